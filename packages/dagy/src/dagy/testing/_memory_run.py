"""One run in memory: how far its tasks are, and what may follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from dagy_types import (
    TASK_TRANSITIONS,
    FlowSpec,
    LogRecord,
    Output,
    Run,
    TaskRun,
    TaskStatus,
    TaskTransition,
    mapped_position,
    mapped_task_id,
)
from dagy_types.errors import ConflictError, NotFoundError


@dataclass(slots=True)
class Changes:
    """What a batch of transitions makes of tasks; nothing of it is recorded yet."""

    tasks: dict[str, TaskRun] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)


class MemoryRun:
    """A run and its tasks.

    Attributes:
        tasks: Those that are no longer PENDING, by id.
        outputs: What tasks returned themselves, by their id.
    """

    def __init__(self, run: Run, spec: FlowSpec) -> None:
        self.run = run
        self.spec = spec
        self.tasks: dict[str, TaskRun] = {}
        self.outputs: dict[str, Output] = {}
        self.logs: list[LogRecord] = []
        self._specs = {task.task_id: task for task in spec.tasks}

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be added."""
        return self.run.status.is_terminal

    def advance(self, transitions: Iterable[TaskTransition]) -> Changes:
        """Return what these transitions do, one after the other.

        Raises:
            NotFoundError: When the run has no such task.
            ConflictError: When a status cannot follow the one before it, or a transition has a map
                size or an origin that its task cannot have.
        """
        changes = Changes()
        for transition in transitions:
            task_id = transition.task_id
            before = changes.tasks.get(task_id) or self._task(task_id, changes)
            if transition.status not in TASK_TRANSITIONS[before.status]:
                raise ConflictError(
                    f"Task {task_id!r} of run {self.run.run_id!r} is {before.status} "
                    f"and cannot become {transition.status}."
                )
            self._require_map_size(transition, before)
            _require_origin(transition, before)
            changes.tasks[task_id] = _advanced(before, transition)
            if transition.output is not None:
                changes.outputs[task_id] = transition.output
        return changes

    def apply(self, changes: Changes) -> None:
        """Record what `advance` returned."""
        self.tasks.update(changes.tasks)
        self.outputs.update(changes.outputs)

    def task_runs(self) -> Iterator[TaskRun]:
        """Yield all tasks in the order of the flow, children after their mapped task."""
        for task_id in self._specs:
            task = self.tasks.get(task_id) or self._pending(task_id, task_id)
            yield task
            for index in range(task.map_size or 0):
                child_id = mapped_task_id(task_id, index)
                yield self.tasks.get(child_id) or self._pending(child_id, task_id)

    def choice(self, task: str | None) -> Callable[[LogRecord], bool]:
        """Tell which log records are of the tasks with this id or name, or of their children.

        Raises:
            NotFoundError: When there is no such task.
        """
        if task is None:
            return lambda _: True
        chosen = {each.task_id for each in self.spec.tasks if task in (each.task_id, each.name)}
        if not chosen:
            parent, index = self._position(task)
            known = self.tasks.get(parent)
            if known is not None and known.map_size is not None and index >= known.map_size:
                raise self._unknown(task)
            return lambda record: record.task_id == task
        return lambda record: (
            record.task_id is not None and record.task_id.partition("[")[0] in chosen
        )

    def _task(self, task_id: str, changes: Changes) -> TaskRun:
        if task_id in self._specs:
            return self.tasks.get(task_id) or self._pending(task_id, task_id)
        parent, index = self._position(task_id)
        mapped = changes.tasks.get(parent) or self._task(parent, changes)
        if mapped.status is not TaskStatus.RUNNING:
            raise ConflictError(
                f"Task {task_id!r} of run {self.run.run_id!r} cannot change: "
                f"{parent!r} is {mapped.status}.",
                hint="The children of a mapped task change while it is RUNNING.",
            )
        if index >= (mapped.map_size or 0):
            raise self._unknown(task_id)
        return self.tasks.get(task_id) or self._pending(task_id, parent)

    def _position(self, task_id: str) -> tuple[str, int]:
        try:
            position = mapped_position(task_id)
        except ValueError:  # brackets with something else in them
            position = None
        if position is None or position[1] < 0 or mapped_task_id(*position) != task_id:
            raise self._unknown(task_id)
        if position[0] not in self._specs or not self._specs[position[0]].is_mapped:
            raise self._unknown(task_id)
        return position

    def _pending(self, task_id: str, spec_id: str) -> TaskRun:
        spec = self._specs[spec_id]
        return TaskRun(
            run_id=self.run.run_id,
            task_id=task_id,
            name=spec.name,
            status=TaskStatus.PENDING,
            depends_on=spec.depends_on,
        )

    def _require_map_size(self, transition: TaskTransition, before: TaskRun) -> None:
        size = transition.map_size
        if size is None:
            return
        spec = self._specs.get(transition.task_id)
        is_start = transition.status is TaskStatus.RUNNING
        if spec is None or not spec.is_mapped or not is_start or size < 0:
            raise ConflictError(
                f"Task {transition.task_id!r} of run {self.run.run_id!r} cannot have {size} "
                "children.",
                hint="A mapped task has 0 or more, which its RUNNING tells.",
            )
        if before.map_size not in (None, size):
            raise ConflictError(
                f"Task {transition.task_id!r} of run {self.run.run_id!r} has {before.map_size} "
                f"children, and cannot have {size}.",
                hint="A mapped task keeps its children when it is tried again.",
            )

    def _unknown(self, task_id: str) -> NotFoundError:
        return NotFoundError(f"Run {self.run.run_id!r} has no task {task_id!r}.")


def _require_origin(transition: TaskTransition, before: TaskRun) -> None:
    is_unrun = before.status is TaskStatus.PENDING and transition.status is TaskStatus.SUCCEEDED
    is_reused = transition.origin is not None and transition.output is None
    if (is_unrun and not is_reused) or (transition.origin is not None and not is_unrun):
        raise ConflictError(
            f"Task {transition.task_id!r} of run {before.run_id!r} is {before.status} and cannot "
            f"become {transition.status} like this.",
            hint="A PENDING task succeeds with the origin of its output, and no other task does.",
        )


def _advanced(before: TaskRun, transition: TaskTransition) -> TaskRun:
    if transition.origin is not None:
        return replace(
            before,
            status=transition.status,
            ended_at=transition.at,
            origin=transition.origin,
        )
    if transition.status is TaskStatus.RUNNING:
        return replace(
            before,
            status=transition.status,
            attempt=transition.attempt,
            started_at=transition.at,
            ended_at=None,
            error=transition.error,
            map_size=before.map_size if transition.map_size is None else transition.map_size,
        )
    return replace(
        before,
        status=transition.status,
        ended_at=transition.at,
        error=transition.error,
        output_bytes=None if transition.output is None else len(transition.output.data),
    )
