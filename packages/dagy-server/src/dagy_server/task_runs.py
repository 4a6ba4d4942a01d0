"""Task runs: what the tasks of a run have come to, as workers report it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from pydantic import model_validator
from sqlalchemy import Connection, update
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.clock import to_datetime
from dagy_server.database.schema import runs
from dagy_server.field_types import Message, Moment, RequestModel
from dagy_server.flow_graph import Position
from dagy_server.listing import Cursor, Limit, Page, page_document, read_cursor
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.run_rows import UNDER_WAY, find_run, graph_of_run
from dagy_server.task_batches import Count, OriginBody, Size
from dagy_server.task_rows import (
    map_sizes,
    require_origin,
    rows_of,
    task_run_of,
    to_task_run,
    write_changed,
    write_new,
)
from dagy_server.task_states import TaskReport, advance, require_child
from dagy_server.transactions import Change, Document, View
from dagy_types import (
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    task_run_document,
)
from dagy_types.errors import ConflictError

router = Router("task runs")

_ORDER = "task,child"


class TaskReportBody(RequestModel):
    """What a task has come to. What it is, the flow says; what is left out, follows by itself."""

    status: TaskStatus
    attempt: Count | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    error: Message | None = None
    output_bytes: Size | None = None
    map_size: Count | None = None
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
    start = Position(*(read_cursor(view, cursor, order=_ORDER) or ()))
    run = find_run(view.connection, view.caller.organisation_id, run_id)
    graph = graph_of_run(view.connection, run)
    places = graph.positions(map_sizes(view.connection, run_id, graph.mapped_ids), start=start)
    page = list(islice(places, limit))
    following = next(places, None)
    rows = rows_of(view.connection, run_id, [task_id for _, _, task_id in page])
    items = [
        task_run_document(to_task_run(run_id, task, task_id, rows.get(task_id)))
        for _, task, task_id in page
    ]
    at = page[-1][0] if page else start
    next_keys = (at.task, at.child + 1) if following else None
    return page_document(view, items, next_keys, order=_ORDER)


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
    before = task_run_of(connection, run_id, task, task_id)
    after = advance(
        before,
        _report(body),
        at=to_datetime(change.now),
        is_mapped=task.is_mapped and task.task_id == task_id,
    )
    if after != before:
        _require_changeable(connection, run, task, task_id)
        if after.origin is not None:
            require_origin(connection, change.caller.organisation_id, after.origin)
        write = write_new if before.status is TaskStatus.PENDING else write_changed
        write(connection, [after])
        if run.status == RunStatus.QUEUED.value:
            _start(connection, run_id, change.now)
    change.audit(
        f"{run_id}/{task_id}", details={"was": before.status.value, "is": after.status.value}
    )
    return task_run_document(after)


def _report(body: TaskReportBody) -> TaskReport:
    return TaskReport(
        status=body.status,
        attempt=body.attempt,
        started_at=body.started_at,
        ended_at=body.ended_at,
        error=body.error,
        output_bytes=body.output_bytes,
        map_size=body.map_size,
        origin=None if body.origin is None else body.origin.to_origin(),
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
        require_child(task_id, task_run_of(connection, run.id, task, task.task_id))


def _start(connection: Connection, run_id: str, now: int) -> None:
    started = {"status": RunStatus.RUNNING.value, "started_at": now}
    connection.execute(update(runs).where(runs.c.id == run_id).values(started))
