"""Tasks as their run's worker has recorded them, taken over as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, StrictInt
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.errors import FieldFault, InvalidFieldsError
from dagy_server.field_types import Label, Message, Moment, RequestModel, TaskRunId
from dagy_server.flow_graph import FlowGraph, no_such_task
from dagy_server.run_rows import UNDER_WAY
from dagy_server.task_rows import map_sizes, rows_of, to_task_run, write_changed, write_new
from dagy_server.transactions import Change
from dagy_types import (
    TASK_TRANSITIONS,
    Origin,
    ReuseReason,
    TaskRun,
    TaskSpec,
    TaskStatus,
    mapped_position,
)
from dagy_types.errors import ConflictError

Count = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]
Size = Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]


class OriginBody(RequestModel):
    """The task whose output another one reuses."""

    run_id: Label
    task_id: TaskRunId
    reason: ReuseReason

    def to_origin(self) -> Origin:
        """Return what it says."""
        return Origin(self.run_id, self.task_id, self.reason)


class TaskRunBody(RequestModel):
    """A task of a run as it stands; its name and what it depends on are those of the graph."""

    run_id: Label | None = None
    task_id: TaskRunId
    name: Label | None = None
    depends_on: Annotated[list[TaskRunId], Field(max_length=limits.TASK_DEPENDENCIES)] = []
    status: TaskStatus
    attempt: Count = 0
    started_at: Moment | None = None
    ended_at: Moment | None = None
    error: Message | None = None
    output_bytes: Size | None = None
    map_size: Count | None = None
    origin: OriginBody | None = None


def record_task_runs(
    change: Change, run: Row[Any], graph: FlowGraph, bodies: Sequence[TaskRunBody]
) -> None:
    """Record how tasks stand; a task that has ended for good stays as it is.

    Raises:
        NotFoundError: When the run has no such task.
        ConflictError: When a task cannot have become that, or the run has ended.
    """
    for index, body in enumerate(bodies):
        if body.run_id not in (None, run.id):
            fault = FieldFault(f"body.task_runs.{index}.run_id", "it is not the run of the path")
            raise InvalidFieldsError([fault])
    bodies = list({body.task_id: body for body in bodies}.values())
    rows = rows_of(change.connection, run.id, [body.task_id for body in bodies])
    new: list[TaskRun] = []
    changed: list[TaskRun] = []
    for body in bodies:
        task = graph.find(run.id, body.task_id)
        before = to_task_run(run.id, task, body.task_id, rows.get(body.task_id))
        after = _said(run.id, task, body)
        if after != before:
            _require_possible(before, after)
            (changed if body.task_id in rows else new).append(after)
    if not new and not changed:
        return
    if run.status not in UNDER_WAY:
        raise ConflictError(
            f"Run {run.id!r} is {run.status}: its tasks do not change any more.",
            hint="Stop working on it.",
        )
    write_new(change.connection, new)
    write_changed(change.connection, changed)
    _require_children(change, run.id, new)


def _said(run_id: str, task: TaskSpec, body: TaskRunBody) -> TaskRun:
    return TaskRun(
        run_id=run_id,
        task_id=body.task_id,
        name=task.name,
        status=body.status,
        attempt=body.attempt,
        depends_on=task.depends_on,
        started_at=body.started_at,
        ended_at=body.ended_at,
        error=body.error,
        output_bytes=body.output_bytes,
        map_size=body.map_size,
        origin=None if body.origin is None else body.origin.to_origin(),
    )


def _require_possible(before: TaskRun, after: TaskRun) -> None:
    is_final = not TASK_TRANSITIONS[before.status]
    is_older = (after.attempt, after.status is not TaskStatus.RUNNING) < (
        before.attempt,
        before.status is not TaskStatus.RUNNING,
    )
    if is_final or is_older or after.status is TaskStatus.PENDING:
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} is {before.status} in attempt "
            f"{before.attempt} and cannot become {after.status} in attempt {after.attempt}."
        )


def _require_children(change: Change, run_id: str, new: Sequence[TaskRun]) -> None:
    positions = {each.task_id: mapped_position(each.task_id) for each in new}
    children = {task_id: place for task_id, place in positions.items() if place}
    sizes = map_sizes(change.connection, run_id, {parent for parent, _ in children.values()})
    for task_id, (parent, index) in children.items():
        if index >= sizes.get(parent, 0):
            raise no_such_task(run_id, task_id)
