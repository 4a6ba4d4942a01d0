"""How far the tasks of a run under way are, and what may follow: pure, and quick per task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dagy_types import (
    TASK_TRANSITIONS,
    FlowSpec,
    Origin,
    TaskStatus,
    TaskTransition,
    mapped_position,
)
from dagy_types.errors import ConflictError, NotFoundError

_STATUSES = tuple(TaskStatus)  # PENDING is number 0
_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}
_PENDING, _RUNNING, _SUCCEEDED = TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.SUCCEEDED


@dataclass(slots=True)
class Batch:
    """Transitions that may happen, sorted by what they do to the rows of their tasks.

    Attributes:
        started: First attempts under way, by task id: each makes a row.
        completed: First attempts with their start and their end: each makes a row.
        without_attempt: Ends of tasks that never started: each makes a row.
        reused: Tasks that succeeded with the output of another, and whose: each makes a row.
        later: All others, in their order: each changes a row, perhaps one of those above.
        cached: Those that others may find by their cache key.
        statuses: What the tasks have become.
        children: The mapped task and the index of those of them that are children.
        map_sizes: How many children mapped tasks have now.
    """

    started: dict[str, TaskTransition] = field(default_factory=dict)
    completed: list[tuple[TaskTransition, TaskTransition]] = field(default_factory=list)
    without_attempt: list[TaskTransition] = field(default_factory=list)
    reused: list[tuple[TaskTransition, Origin]] = field(default_factory=list)
    later: list[TaskTransition] = field(default_factory=list)
    cached: list[TaskTransition] = field(default_factory=list)
    statuses: dict[str, TaskStatus] = field(default_factory=dict)
    children: dict[str, tuple[str, int]] = field(default_factory=dict)
    map_sizes: dict[str, int] = field(default_factory=dict)


class TaskStates:
    """The status of each task, with one byte for each child of a mapped task."""

    def __init__(self, run_id: str, spec: FlowSpec) -> None:
        self._run_id = run_id
        self._tasks = dict.fromkeys((task.task_id for task in spec.tasks), _PENDING)
        self._mapped = frozenset(task.task_id for task in spec.tasks if task.is_mapped)
        self._children: dict[str, bytearray] = {}

    def advance(self, transitions: Iterable[TaskTransition]) -> Batch:
        """Return what these transitions do, one after the other; nothing changes here yet.

        Raises:
            NotFoundError: When the run has no such task.
            ConflictError: When a status cannot follow the one before it, or a transition has a map
                size or an origin that its task cannot have.
        """
        batch = Batch()
        statuses, started, children = batch.statuses, batch.started, batch.children
        for transition in transitions:
            task_id, status = transition.task_id, transition.status
            before = statuses.get(task_id) or self._status_of(task_id, batch)
            if task_id in children:
                self._require_running(children[task_id][0], task_id, batch)
            if status not in TASK_TRANSITIONS[before]:
                raise self._refusal(transition, before)
            if transition.map_size is not None:
                batch.map_sizes[task_id] = self._map_size(transition, transition.map_size, batch)
            if transition.origin is not None or (before is _PENDING and status is _SUCCEEDED):
                batch.reused.append((transition, self._origin(transition, before)))
            elif before is not _PENDING:
                start = started.pop(task_id, None)
                if start is None:
                    batch.later.append(transition)
                else:
                    batch.completed.append((start, transition))
            elif status is _RUNNING:
                started[task_id] = transition
            else:
                batch.without_attempt.append(transition)
            if transition.cache_key is not None and transition.output is not None:
                batch.cached.append(transition)
            statuses[task_id] = status
        return batch

    def apply(self, batch: Batch) -> None:
        """Take over what has been recorded."""
        for task_id, size in batch.map_sizes.items():
            self._children.setdefault(task_id, bytearray(size))
        for task_id, status in batch.statuses.items():
            if task_id in batch.children:
                parent, index = batch.children[task_id]
                self._children[parent][index] = _NUMBERS[status]
            else:
                self._tasks[task_id] = status

    def _status_of(self, task_id: str, batch: Batch) -> TaskStatus:
        return self._tasks.get(task_id) or self._status_of_child(task_id, batch)

    def _status_of_child(self, task_id: str, batch: Batch) -> TaskStatus:
        position = mapped_position(task_id)
        if position is None or position[0] not in self._mapped:
            raise NotFoundError(f"Run {self._run_id!r} has no task {task_id!r}.")
        parent, index = position
        self._require_running(parent, task_id, batch)
        children = self._children.get(parent, b"")
        if index >= (len(children) or batch.map_sizes.get(parent, 0)):
            raise NotFoundError(f"Run {self._run_id!r} has no task {task_id!r}.")
        batch.children[task_id] = position
        return _STATUSES[children[index]] if children else _PENDING

    def _require_running(self, parent: str, child: str, batch: Batch) -> None:
        status = batch.statuses.get(parent) or self._tasks[parent]
        if status is not _RUNNING:
            raise ConflictError(
                f"Task {child!r} of run {self._run_id!r} cannot change: {parent!r} is {status}.",
                hint="The children of a mapped task change while it is RUNNING.",
            )

    def _map_size(self, transition: TaskTransition, size: int, batch: Batch) -> int:
        task_id = transition.task_id
        if task_id not in self._mapped or transition.status is not _RUNNING or size < 0:
            raise ConflictError(
                f"Task {task_id!r} of run {self._run_id!r} cannot have {size} children.",
                hint="A mapped task has 0 or more, which its RUNNING tells.",
            )
        known = len(self._children.get(task_id, range(batch.map_sizes.get(task_id, size))))
        if size != known:
            raise ConflictError(
                f"Task {task_id!r} of run {self._run_id!r} has {known} children, "
                f"and cannot have {size}.",
                hint="A mapped task keeps its children when it is tried again.",
            )
        return size

    def _origin(self, transition: TaskTransition, before: TaskStatus) -> Origin:
        if transition.status is not _SUCCEEDED or before is not _PENDING:
            raise ConflictError(
                f"Task {transition.task_id!r} of run {self._run_id!r} is {before} "
                f"and cannot become {transition.status} with the output of another task.",
                hint="Only a PENDING task can, and it is SUCCEEDED then.",
            )
        if transition.origin is None or transition.output is not None:
            raise ConflictError(
                f"Task {transition.task_id!r} of run {self._run_id!r} has not run: it can succeed "
                "with the output of another task only.",
                hint="Give the origin of that output, and no output.",
            )
        return transition.origin

    def _refusal(self, transition: TaskTransition, before: TaskStatus) -> ConflictError:
        return ConflictError(
            f"Task {transition.task_id!r} of run {self._run_id!r} is {before} "
            f"and cannot become {transition.status}."
        )
