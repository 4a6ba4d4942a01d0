"""Which tasks may start, which never will. Pure: no threads, no clock, no I/O.

Tasks that depend on the same tasks wait at one barrier, so that layers of which all depend on all
are cheap. Each task is looked at once, once more for each attempt that a limit holds back, and once
for each barrier that its success lowers: a plan costs O(tasks + attempts + edges to barriers) in
all. The children of mapped tasks cost nothing until they are taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from dagy_types import FlowSpec, mapped_position, mapped_task_id


@dataclass(slots=True, eq=False, repr=False)
class _FanOut:
    """The children of a mapped task that were not taken yet: those from ``next`` on."""

    task_id: str
    size: int
    next: int = 0


@dataclass(slots=True, eq=False, repr=False)
class _Barrier:
    """Tasks that wait for the same ones, of which so many are missing."""

    missing: int
    tasks: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class _Group:
    """Tasks of which only some may run at once."""

    free: int
    held: deque[str] = field(default_factory=deque)
    held_fan_outs: deque[_FanOut] = field(default_factory=deque)


class Plan:
    """The progress of one flow's graph.

    A task is *waiting* for upstream tasks, then *ready*, then *taken*, until `succeed` or `fail`
    settles it; between two attempts it is *suspended*. A waiting or ready task can be *dropped*
    instead, by a failure upstream or by `drop_unstarted`. A taken mapped task can be *fanned out*:
    its children are ready then, and it stays taken itself.

    Args:
        limits: For the tasks that share a limit: a key that they have in common, and how many of
            them may be taken at once. For a mapped task it holds for its children.
    """

    def __init__(
        self, spec: FlowSpec, limits: Mapping[str, tuple[Hashable, int]] | None = None
    ) -> None:
        self._downstream: dict[str, list[_Barrier]] = {task.task_id: [] for task in spec.tasks}
        self._mapped = frozenset(task.task_id for task in spec.tasks if task.is_mapped)
        self._waiting: dict[str, None] = {}  # at barriers, in the order of the flow
        self._ready: deque[str] = deque()
        self._fan_outs: deque[_FanOut] = deque()
        self._aside: list[str] = []
        self._suspended: set[str] = set()
        groups: dict[Hashable, _Group] = {}
        self._group_of = {
            task_id: groups.setdefault(key, _Group(limit))
            for task_id, (key, limit) in (limits or {}).items()
        }
        self._groups = list(groups.values())
        barriers: dict[tuple[str, ...], _Barrier] = {}
        for task in spec.tasks:
            if not task.depends_on:
                self._ready.append(task.task_id)
                continue
            barrier = barriers.get(task.depends_on)
            if barrier is None:
                barrier = barriers[task.depends_on] = self._new_barrier(set(task.depends_on))
            barrier.tasks.append(task.task_id)
            self._waiting[task.task_id] = None

    def take(self) -> str | None:
        """Take the first task that may start now, in the order in which they became ready."""
        while self._ready:
            task_id = self._ready.popleft()
            group = self._group_for(task_id)
            if group is not None:
                if not group.free:
                    group.held.append(task_id)
                    continue
                group.free -= 1
            self._suspended.discard(task_id)
            return task_id
        return self._take_child()

    @property
    def has_ready(self) -> bool:
        """Whether something may be ready; a limit can still hold it back."""
        return bool(self._ready or self._fan_outs)

    def put_back(self, task_id: str) -> None:
        """A taken task has not started after all: it is ready again, before others."""
        self._release(task_id)
        self._ready.appendleft(task_id)

    def set_aside(self, task_id: str) -> None:
        """A taken task is not to start yet: others get its place, until `bring_back`."""
        self._release(task_id)
        self._aside.append(task_id)

    def bring_back(self) -> None:
        """What was set aside is ready again, in the same order, before others."""
        self._ready.extendleft(reversed(self._aside))
        self._aside.clear()

    def fan_out(self, task_id: str, size: int) -> None:
        """A taken mapped task has so many children: they are ready."""
        self._fan_outs.append(_FanOut(task_id, size))

    def succeed(self, task_id: str) -> None:
        """A taken task succeeded: what waited only for it is ready."""
        if self._group_of:
            self._release(task_id)
        for barrier in self._downstream.get(task_id, ()):
            barrier.missing -= 1
            if not barrier.missing:
                for each in barrier.tasks:
                    if each in self._waiting:  # it may be dropped already
                        del self._waiting[each]
                        self._ready.append(each)

    def fail(self, task_id: str) -> list[str]:
        """A taken task failed for good or is skipped: drop and return, in order, all that needs it.

        Nothing needs a child; what becomes of its mapped task is told by a call of its own.
        """
        self._release(task_id)
        dropped = []
        doomed = deque(self._downstream.get(task_id, ()))
        while doomed:
            for each in doomed.popleft().tasks:
                if each in self._waiting:
                    del self._waiting[each]
                    dropped.append(each)
                    doomed.extend(self._downstream[each])
        return dropped

    def suspend(self, task_id: str) -> None:
        """A taken task will be tried again, later: others may run in the meantime."""
        self._release(task_id)
        self._suspended.add(task_id)

    def resume(self, task_id: str) -> None:
        """The time has come to try a suspended task again."""
        self._ready.append(task_id)

    def drop_unstarted(self) -> list[str]:
        """Drop all tasks that are not taken; return those that never were."""
        held = [task_id for group in self._groups for task_id in group.held]
        fan_outs = [self._fan_outs, *(group.held_fan_outs for group in self._groups)]
        children = [
            mapped_task_id(each.task_id, index)
            for each in chain.from_iterable(fan_outs)
            for index in range(each.next, each.size)
        ]
        dropped = dict.fromkeys([*self._aside, *self._ready, *held, *children, *self._waiting])
        self._aside.clear()
        self._ready.clear()
        self._fan_outs.clear()
        self._waiting.clear()
        for group in self._groups:
            group.held.clear()
            group.held_fan_outs.clear()
        return [task_id for task_id in dropped if task_id not in self._suspended]

    def _new_barrier(self, upstream: set[str]) -> _Barrier:
        barrier = _Barrier(len(upstream))
        for task_id in upstream:
            self._downstream[task_id].append(barrier)
        return barrier

    def _take_child(self) -> str | None:
        while self._fan_outs:
            fan_out = self._fan_outs[0]
            group = self._group_of.get(fan_out.task_id)
            if group is not None:
                if not group.free:
                    group.held_fan_outs.append(self._fan_outs.popleft())
                    continue
                group.free -= 1
            child = mapped_task_id(fan_out.task_id, fan_out.next)
            fan_out.next += 1
            if fan_out.next >= fan_out.size:
                self._fan_outs.popleft()
            return child
        return None

    def _release(self, task_id: str) -> None:
        group = self._group_for(task_id)
        if group is not None:
            group.free += 1
            if group.held:
                self._ready.appendleft(group.held.popleft())
            elif group.held_fan_outs:
                self._fan_outs.appendleft(group.held_fan_outs.popleft())

    def _group_for(self, task_id: str) -> _Group | None:
        """Return the group in which a task takes a place: a mapped task takes none itself."""
        if not self._group_of or task_id in self._mapped:
            return None
        position = mapped_position(task_id)
        return self._group_of.get(position[0] if position else task_id)
