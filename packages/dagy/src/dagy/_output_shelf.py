"""The outputs of a run while it runs."""

from __future__ import annotations

from dagy_types import FlowSpec, Input


class OutputShelf:
    """What a run keeps of its outputs: each until the last task that needs it is settled.

    Attributes:
        kept: The outputs that the flow's result is built from, for good.
    """

    def __init__(self, spec: FlowSpec) -> None:
        self._upstream = {task.task_id: task.depends_on for task in spec.tasks}
        self._consumers = dict.fromkeys(self._upstream, 0)
        for upstream in self._upstream.values():
            for task_id in upstream:
                self._consumers[task_id] += 1
        self._results = frozenset(spec.outputs)
        self._waiting: dict[str, Input] = {}
        self.kept: dict[str, Input] = {}

    def needs(self, task_id: str) -> bool:
        """Tell whether anybody will ask for the output of a task."""
        return self._consumers[task_id] > 0 or task_id in self._results

    def put(self, task_id: str, output: Input) -> None:
        """Take the output of a task that succeeded: for a mapped one, those of its children."""
        if self._consumers[task_id]:
            self._waiting[task_id] = output
        if task_id in self._results:
            self.kept[task_id] = output

    def input_of(self, task_id: str) -> Input:
        """Return what a task returned, while somebody needs it."""
        return self._waiting[task_id]

    def inputs_of(self, task_id: str) -> dict[str, Input]:
        """Return what a task needs, by the id of the task that made it."""
        return {each: self._waiting[each] for each in self._upstream[task_id]}

    def settle(self, task_id: str) -> None:
        """Let go of what this task needed, once: there will be no further attempt."""
        for each in self._upstream[task_id]:
            self._consumers[each] -= 1
            if not self._consumers[each]:
                self._waiting.pop(each, None)  # a task that failed or was reused left nothing
