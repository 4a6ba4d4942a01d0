"""Which tasks may start, which never will. Pure: no threads, no clock, no I/O.

Each task is looked at once per edge in the whole run: a plan costs O(tasks + edges) in all.
"""

from __future__ import annotations

from collections import deque

from dagy_types import FlowSpec


class Plan:
    """The progress of one flow's graph.

    A task is *waiting* for upstream tasks, then *ready*, then *taken*, until `succeed` or `fail`
    settles it; a waiting or ready task can be *dropped* instead, by a failure upstream or by
    `drop_unstarted`.
    """

    def __init__(self, spec: FlowSpec) -> None:
        self._downstream: dict[str, list[str]] = {task.task_id: [] for task in spec.tasks}
        self._missing: dict[str, int] = {}
        self._ready: deque[str] = deque()
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
        return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    def succeed(self, task_id: str) -> None:
        """A taken task succeeded: what waited only for it is ready."""
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
        """A taken task failed: drop and return, in order, all that needed its output."""
        dropped = []
        doomed = deque(self._downstream[task_id])
        while doomed:
            downstream = doomed.popleft()
            if self._missing.pop(downstream, None) is not None:
                dropped.append(downstream)
                doomed.extend(self._downstream[downstream])
        return dropped

    def drop_unstarted(self) -> list[str]:
        """Drop and return all tasks that were not taken."""
        dropped = [*self._ready, *self._missing]
        self._ready.clear()
        self._missing.clear()
        return dropped
