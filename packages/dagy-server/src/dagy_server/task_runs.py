"""Task runs: what the tasks of a run have come to, as workers report it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any

from pydantic import Field, StrictInt, model_validator
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.clock import from_datetime, to_datetime, to_optional_datetime
from dagy_server.database.schema import runs, task_runs
from dagy_server.field_types import Label, Message, Moment, RequestModel
from dagy_server.flow_graph import Position
from dagy_server.listing import Cursor, Limit, Page, page_document, read_cursor
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.run_rows import UNDER_WAY, find_run, graph_of_run, no_such_run
from dagy_server.task_states import TaskReport, advance, pending, require_child
from dagy_server.transactions import Change, Document, View
from dagy_types import (
    Origin,
    ReuseReason,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    task_run_document,
)
from dagy_types.errors import ConflictError

router = Router("task runs")

_LARGEST = 2**63 - 1
_Count = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]


class OriginBody(RequestModel):
    """The task whose output another one reuses."""

    run_id: Label
    task_id: Label
    reason: ReuseReason


class TaskReportBody(RequestModel):
    """What a task has come to. What it is, the flow says; what is left out, follows by itself."""

    status: TaskStatus
    attempt: _Count | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    error: Message | None = None
    output_bytes: Annotated[StrictInt, Field(ge=0, le=_LARGEST)] | None = None
    map_size: _Count | None = None
    origin: OriginBody | None = None

    @model_validator(mode="after")
    def _has_an_end_if_it_ended(self) -> TaskReportBody:
        if self.ended_at is not None and not self.status.is_finished:
            raise ValueError(f"a task that is {self.status} has no ended_at")
        return self


@route(
    router,
    "GET",
    "/runs/{run_id}/tasks",
    needs=Permission.RUNS_READ,
    operation="task_runs.list",
    response=Page[TaskRun],
)
def list_task_runs(
    view: View, run_id: str, limit: Limit = limits.PAGE_ITEMS_DEFAULT, cursor: Cursor = None
) -> Document:
    """List the tasks of a run in the order of its flow, children after their mapped task.

    Those that have not started are among them.
    """
    start = Position(*(read_cursor(view, cursor, keys=2) or ()))
    run = find_run(view.connection, view.caller.organisation_id, run_id)
    graph = graph_of_run(view.connection, run)
    places = graph.positions(_map_sizes(view.connection, run_id, graph.mapped_ids), start=start)
    page = list(islice(places, limit))
    following = next(places, None)
    rows = _rows(view.connection, run_id, [task_id for _, _, task_id in page])
    items = [
        task_run_document(_to_task_run(run_id, task, task_id, rows.get(task_id)))
        for _, task, task_id in page
    ]
    at = page[-1][0] if page else start
    return page_document(view, items, (at.task, at.child + 1) if following else None)


@route(
    router,
    "PUT",
    "/runs/{run_id}/tasks/{task_id}",
    needs=Permission.RUNS_WRITE,
    audit="task_run.reported",
    operation="task_runs.report",
    response=TaskRun,
)
def report_task_run(change: Change, run_id: str, task_id: str, body: TaskReportBody) -> Document:
    """Report what a task has come to; the same report again changes nothing.

    The first report of any task makes its run ``RUNNING``.
    """
    connection = change.connection
    run = find_run(connection, change.caller.organisation_id, run_id, for_update=True)
    task = graph_of_run(connection, run).find(run_id, task_id)
    before = _task_run(connection, run_id, task, task_id)
    after = advance(
        before,
        _report(body),
        at=to_datetime(change.now),
        is_mapped=task.is_mapped and task.task_id == task_id,
    )
    if after != before:
        _require_changeable(connection, run, task, task_id)
        if after.origin is not None:
            _require_origin(connection, change.caller.organisation_id, after.origin)
        _write(connection, after, is_new=before.status is TaskStatus.PENDING)
        if run.status == RunStatus.QUEUED.value:
            _start(connection, run_id, change.now)
    change.audit(
        f"{run_id}/{task_id}", details={"was": before.status.value, "is": after.status.value}
    )
    return task_run_document(after)


def _report(body: TaskReportBody) -> TaskReport:
    said = body.origin
    origin = None if said is None else Origin(said.run_id, said.task_id, said.reason)
    return TaskReport(
        status=body.status,
        attempt=body.attempt,
        started_at=body.started_at,
        ended_at=body.ended_at,
        error=body.error,
        output_bytes=body.output_bytes,
        map_size=body.map_size,
        origin=origin,
    )


def _require_changeable(
    connection: Connection, run: Row[Any], task: TaskSpec, task_id: str
) -> None:
    if run.status not in UNDER_WAY:
        raise ConflictError(
            f"Run {run.id!r} is {run.status}: its tasks do not change any more.",
            hint="Stop working on it.",
        )
    if task.task_id != task_id:
        require_child(task_id, _task_run(connection, run.id, task, task.task_id))


def _require_origin(connection: Connection, organisation_id: str, origin: Origin) -> None:
    row = connection.execute(
        select(task_runs.c.status, task_runs.c.origin)
        .join(runs, runs.c.id == task_runs.c.run_id)
        .where(
            runs.c.id == origin.run_id,
            runs.c.organisation_id == organisation_id,
            task_runs.c.task_id == origin.task_id,
        )
    ).one_or_none()
    if row is None:
        raise no_such_run(origin.run_id)
    if row.status != TaskStatus.SUCCEEDED.value or row.origin is not None:
        raise ConflictError(
            f"Task {origin.task_id!r} of run {origin.run_id!r} did not make an output.",
            hint="Reuse an output where it was made.",
        )


def _start(connection: Connection, run_id: str, now: int) -> None:
    started = {"status": RunStatus.RUNNING.value, "started_at": now}
    connection.execute(update(runs).where(runs.c.id == run_id).values(started))


def _map_sizes(connection: Connection, run_id: str, task_ids: Iterable[str]) -> Mapping[str, int]:
    rows = _rows(connection, run_id, list(task_ids))
    return {task_id: row.map_size for task_id, row in rows.items() if row.map_size is not None}


def _rows(connection: Connection, run_id: str, task_ids: list[str]) -> dict[str, Row[Any]]:
    """Return the rows of tasks; one that is still PENDING has none."""
    if not task_ids:
        return {}
    chosen = (task_runs.c.run_id == run_id) & task_runs.c.task_id.in_(task_ids)
    return {row.task_id: row for row in connection.execute(select(task_runs).where(chosen))}


def _task_run(connection: Connection, run_id: str, task: TaskSpec, task_id: str) -> TaskRun:
    row = _rows(connection, run_id, [task_id]).get(task_id)
    return _to_task_run(run_id, task, task_id, row)


def _to_task_run(run_id: str, task: TaskSpec, task_id: str, row: Row[Any] | None) -> TaskRun:
    if row is None:
        return pending(run_id, task, task_id)
    origin = row.origin
    return TaskRun(
        run_id=run_id,
        task_id=task_id,
        name=task.name,
        status=TaskStatus.of(row.status),
        attempt=row.attempt,
        depends_on=task.depends_on,
        started_at=to_optional_datetime(row.started_at),
        ended_at=to_optional_datetime(row.ended_at),
        error=row.error,
        output_bytes=row.output_bytes,
        map_size=row.map_size,
        origin=origin
        and Origin(origin["run_id"], origin["task_id"], ReuseReason.of(origin["reason"])),
    )


def _write(connection: Connection, task_run: TaskRun, *, is_new: bool) -> None:
    origin = task_run.origin
    values = {
        "status": task_run.status.value,
        "attempt": task_run.attempt,
        "started_at": task_run.started_at and from_datetime(task_run.started_at),
        "ended_at": task_run.ended_at and from_datetime(task_run.ended_at),
        "error": task_run.error,
        "output_bytes": task_run.output_bytes,
        "map_size": task_run.map_size,
        "origin": origin
        and {"run_id": origin.run_id, "task_id": origin.task_id, "reason": origin.reason.value},
    }
    if is_new:
        key = {"run_id": task_run.run_id, "task_id": task_run.task_id}
        connection.execute(insert(task_runs).values(**key, **values))
        return
    mine = (task_runs.c.run_id == task_run.run_id) & (task_runs.c.task_id == task_run.task_id)
    connection.execute(update(task_runs).where(mine).values(values))
