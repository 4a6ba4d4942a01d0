"""The graph of a flow, for those who look up its tasks by id and list them in order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from dagy_types import FlowSpec, TaskSpec, flow_spec_from_json, mapped_position, mapped_task_id
from dagy_types.errors import NotFoundError

_ITSELF = -1


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """The place of a task in the list of a run's tasks.

    Attributes:
        task: The index of the task in the flow.
        child: The index of a child of a mapped task; -1 for the task itself.
    """

    task: int = 0
    child: int = _ITSELF


@dataclass(frozen=True, slots=True)
class Choice:
    """Tasks of a flow with all their children, or one child of a mapped task."""

    task_ids: tuple[str, ...]
    child: str | None = None


class FlowGraph:
    """A flow spec whose tasks are found by id at once."""

    def __init__(self, spec: FlowSpec) -> None:
        self.spec = spec
        self.tasks = spec.tasks

    @cached_property
    def _by_id(self) -> Mapping[str, TaskSpec]:
        return {task.task_id: task for task in self.tasks}

    @property
    def mapped_ids(self) -> list[str]:
        """The ids of the mapped tasks."""
        return [task.task_id for task in self.tasks if task.is_mapped]

    def find(self, run_id: str, task_id: str) -> TaskSpec:
        """Return the task of the flow with this id, or the mapped task that it is a child of.

        Raises:
            NotFoundError: When a run of the flow has no such task.
        """
        task = self._by_id.get(task_id)
        if task is None:
            position = mapped_position(task_id)
            task = self._by_id.get(position[0]) if position else None
            if task is None or not task.is_mapped:
                raise no_such_task(run_id, task_id)
        return task

    def choose(self, run_id: str, task: str) -> Choice:
        """Return the tasks that have this id or this name.

        Raises:
            NotFoundError: When a run of the flow has none.
        """
        found = [each.task_id for each in self.tasks if task in (each.task_id, each.name)]
        if found:
            return Choice(tuple(found))
        parent = self.find(run_id, task)  # of a child, as no task has this id
        return Choice((parent.task_id,), child=task)

    def positions(
        self, map_sizes: Mapping[str, int], *, start: Position
    ) -> Iterator[tuple[Position, TaskSpec, str]]:
        """Yield a run's tasks in the order of the flow, children after their mapped task.

        Args:
            map_sizes: How many children mapped tasks have, where that is known.
            start: Where the list begins.

        Yields:
            Where a task stands, its part of the flow, and its id.
        """
        for index in range(start.task, len(self.tasks)):
            task = self.tasks[index]
            first = start.child if index == start.task else _ITSELF
            for child in range(first, map_sizes.get(task.task_id, 0)):
                is_child = child != _ITSELF
                task_id = mapped_task_id(task.task_id, child) if is_child else task.task_id
                yield Position(index, child), task, task_id


@lru_cache(maxsize=32)
def graph_of(spec: str) -> FlowGraph:
    """Return the graph that a canonical spec describes; flows never change, so it is kept."""
    return FlowGraph(flow_spec_from_json(spec))


def no_such_task(run_id: str, task_id: str) -> NotFoundError:
    """Return the error for a task that a run does not have."""
    return NotFoundError(
        f"Run {run_id!r} has no task {task_id!r}.",
        hint=f"GET /runs/{run_id}/tasks lists its tasks.",
    )
