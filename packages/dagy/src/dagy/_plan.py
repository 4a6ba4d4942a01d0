"""Which tasks may start, which never will. Pure: no threads, no clock, no I/O.

Each task is looked at once per edge in the whole run, and once more for each attempt that a limit
holds back: a plan costs O(tasks + edges + attempts) in all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from dagy_types import FlowSpec


@dataclass(slots=True)
class _Group:
    """Tasks of which only some may run at once."""

    free: int
    held: deque[str] = field(default_factory=deque)


class Plan:
    """The progress of one flow's graph.

    A task is *waiting* for upstream tasks, then *ready*, then *taken*, until `succeed` or `fail`
    settles it; between two attempts it is *suspended*. A waiting or ready task can be *dropped*
    instead, by a failure upstream or by `drop_unstarted`.

    Args:
        limits: For the tasks that share a limit: a key that they have in common, and how many of
            them may be taken at once.
    """

    def __init__(
        self, spec: FlowSpec, limits: Mapping[str, tuple[Hashable, int]] | None = None
    ) -> None:
        self._downstream: dict[str, list[str]] = {task.task_id: [] for task in spec.tasks}
        self._missing: dict[str, int] = {}
        self._ready: deque[str] = deque()
        self._suspended: set[str] = set()
        groups: dict[Hashable, _Group] = {}
        self._group_of = {
            task_id: groups.setdefault(key, _Group(limit))
            for task_id, (key, limit) in (limits or {}).items()
        }
        for task in spec.tasks:
            upstream = set(task.depends_on)
            for task_id in upstream:
                self._downstream[task_id].append(task.task_id)
            if upstream:
                self._missing[task.task_id] = len(upstream)
            else:
                self._ready.append(task.task_id)

    def take_ready(self, limit: int) -> list[str]:
        """Take at most ``limit`` tasks that may start now, in the order in which they became so."""
        taken: list[str] = []
        while self._ready and len(taken) < limit:
            task_id = self._ready.popleft()
            group = self._group_of.get(task_id)
            if group is not None:
                if not group.free:
                    group.held.append(task_id)
                    continue
                group.free -= 1
            self._suspended.discard(task_id)
            taken.append(task_id)
        return taken

    def succeed(self, task_id: str) -> None:
        """A taken task succeeded: what waited only for it is ready."""
        self._release(task_id)
        for downstream in self._downstream[task_id]:
            missing = self._missing.get(downstream)
            if missing is None:  # dropped already
                continue
            if missing == 1:
                del self._missing[downstream]
                self._ready.append(downstream)
            else:
                self._missing[downstream] = missing - 1

    def fail(self, task_id: str) -> list[str]:
        """A taken task failed for good: drop and return, in order, all that needed its output."""
        self._release(task_id)
        dropped = []
        doomed = deque(self._downstream[task_id])
        while doomed:
            downstream = doomed.popleft()
            if self._missing.pop(downstream, None) is not None:
                dropped.append(downstream)
                doomed.extend(self._downstream[downstream])
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
        held = [task_id for group in self._group_of.values() for task_id in group.held]
        dropped = dict.fromkeys([*self._ready, *held, *self._missing])
        self._ready.clear()
        self._missing.clear()
        for group in self._group_of.values():
            group.held.clear()
        return [task_id for task_id in dropped if task_id not in self._suspended]

    def _release(self, task_id: str) -> None:
        group = self._group_of.get(task_id)
        if group is not None:
            group.free += 1
            if group.held:
                self._ready.appendleft(group.held.popleft())
