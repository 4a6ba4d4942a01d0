"""Mapped tasks and their children: together, as people want to see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dagy_types import TaskRun, TaskStatus, mapped_position

ENDED_BADLY = frozenset({TaskStatus.FAILED, TaskStatus.TIMED_OUT})

_MOST_FAILURES = 10


class TaskGroup(NamedTuple):
    """A task of a flow's graph, with its children if it is mapped."""

    task: TaskRun
    children: list[TaskRun]

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many children succeeded, of how many; ``None`` when there are none to be counted."""
        if self.task.map_size is None:
            return None
        succeeded = sum(child.status is TaskStatus.SUCCEEDED for child in self.children)
        return succeeded, self.task.map_size

    @property
    def failures(self) -> Sequence[TaskRun]:
        """The children that ended badly."""
        return [child for child in self.children if child.status in ENDED_BADLY]

    def shown_children(self, *, lists_all: bool) -> Sequence[TaskRun]:
        """Return all children, or the first few of those that ended badly."""
        return self.children if lists_all else self.failures[:_MOST_FAILURES]


def groups_of(task_runs: Iterable[TaskRun]) -> list[TaskGroup]:
    """Return the tasks of a run as groups, in their order."""
    groups: dict[str, TaskGroup] = {}
    for task_run in task_runs:
        position = mapped_position(task_run.task_id)
        if position is not None and position[0] in groups:
            groups[position[0]].children.append(task_run)
        else:
            groups[task_run.task_id] = TaskGroup(task_run, children=[])
    return list(groups.values())
