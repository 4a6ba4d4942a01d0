"""The outputs of a run while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from dagy_types import FlowSpec, Input


@dataclass(slots=True, eq=False, repr=False)
class _Consumers:
    """Tasks that need the same outputs.

    Attributes:
        unsettled: How many of them are not settled.
        inputs: What they need, once one of them has asked.
    """

    upstream: tuple[str, ...]
    unsettled: int = 0
    inputs: dict[str, Input] | None = None


class OutputShelf:
    """What a run keeps of its outputs: each until the last task that needs it is settled.

    Attributes:
        kept: The outputs that the flow's result is built from, for good.
    """

    def __init__(self, spec: FlowSpec) -> None:
        self._needed = dict.fromkeys((task.task_id for task in spec.tasks), 0)  # by how many groups
        self._group_of: dict[str, _Consumers] = {}
        groups: dict[tuple[str, ...], _Consumers] = {}
        for task in spec.tasks:
            upstream = task.depends_on
            group = groups.get(upstream)
            if group is None:
                group = groups[upstream] = _Consumers(upstream)
                for task_id in upstream:
                    self._needed[task_id] += 1
            group.unsettled += 1
            self._group_of[task.task_id] = group
        self._results = frozenset(spec.outputs)
        self._waiting: dict[str, Input] = {}
        self.kept: dict[str, Input] = {}

    def needs(self, task_id: str) -> bool:
        """Tell whether anybody will ask for the output of a task."""
        return self._needed[task_id] > 0 or task_id in self._results

    def put(self, task_id: str, output: Input) -> None:
        """Take the output of a task that succeeded: for a mapped one, those of its children."""
        if self._needed[task_id]:
            self._waiting[task_id] = output
        if task_id in self._results:
            self.kept[task_id] = output

    def input_of(self, task_id: str) -> Input:
        """Return what a task returned, while somebody needs it."""
        return self._waiting[task_id]

    def inputs_of(self, task_id: str) -> dict[str, Input]:
        """Return what a task needs, by the id of the task that made it; not to be changed."""
        group = self._group_of[task_id]
        if group.inputs is None:
            group.inputs = {each: self._waiting[each] for each in group.upstream}
        return group.inputs

    def settle(self, task_id: str) -> None:
        """Let go of what this task needed, once: there will be no further attempt."""
        group = self._group_of[task_id]
        group.unsettled -= 1
        if group.unsettled:
            return
        group.inputs = None
        for each in group.upstream:
            self._needed[each] -= 1
            if not self._needed[each]:
                self._waiting.pop(each, None)  # a task that failed or was reused left nothing
