"""The logs of runs: lines with numbers, added in batches, read in pages or as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Query
from pydantic import Field, StrictInt, StringConstraints
from sqlalchemy import select
from sqlalchemy.engine import Row
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dagy_server import events, limits
from dagy_server.clock import to_datetime
from dagy_server.database.schema import log_lines
from dagy_server.errors import FieldFault, InvalidFieldsError
from dagy_server.field_types import Label, Message, Moment, RequestModel, TaskFilter, TaskRunId
from dagy_server.listing import Cursor, Limit, Listing, Page
from dagy_server.log_lines import add_lines
from dagy_server.log_stream import LogPage, NumberedLine, log_events
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.run_rows import find_run, graph_of_run
from dagy_server.transactions import Call, Change, Document, View
from dagy_types import LogRecord, RunStatus, log_document

router = Router("logs")

_EVENTS_AT_ONCE = 100
_LARGEST = 2**63 - 1
_Level = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[A-Z0-9_]+$")]


class LogRecordBody(RequestModel):
    """One message of a run."""

    run_id: str | None = None
    at: Moment
    level: _Level
    logger: Label
    message: Message
    task_id: TaskRunId | None = None
    attempt: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)] | None = None


class LogBatchBody(RequestModel):
    """Messages to add to the log of a run, in their order."""

    records: Annotated[
        list[LogRecordBody], Field(min_length=1, max_length=limits.LOG_BATCH_RECORDS)
    ]


@route(
    router,
    "POST",
    "/runs/{run_id}/logs",
    needs=Permission.RUNS_WRITE,
    audit="log.appended",
    operation="runs.append_logs",
    status=204,
)
def append_logs(call: Call, run_id: str, body: LogBatchBody) -> Response:
    """Add messages to the log of a run: all or none, under the next numbers.

    A run may have ended: what was said before reaches the server later.
    """
    answer = call.change(partial(_append, run_id=run_id, body=body))
    call.services.line_signals.notify(run_id)
    return answer


@route(
    router,
    "GET",
    "/runs/{run_id}/logs",
    needs=Permission.RUNS_READ,
    operation="runs.logs",
    response=Page[LogRecord],
    responses={200: {"content": {events.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def read_logs(
    call: Call,
    run_id: str,
    task: Annotated[
        TaskFilter | None,
        Query(description="Only of tasks with this id or name, and their children."),
    ] = None,
    after: Annotated[
        int, Query(ge=0, le=_LARGEST, description="Only lines with a higher number.")
    ] = 0,
    limit: Limit = limits.PAGE_ITEMS_DEFAULT,
    cursor: Cursor = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response | Document:
    """Read the log of a run from its beginning; or follow it to its end, as server-sent events."""
    if events.MEDIA_TYPE not in call.request.headers.get("accept", ""):
        read = partial(_page, call, run_id, task=task, after=after, limit=limit, cursor=cursor)
        return await run_in_threadpool(read)
    number = events.parse_last_event_id(last_event_id)
    if number is None:
        raise InvalidFieldsError(
            [FieldFault("header.Last-Event-ID", "it is no id of these events")]
        )
    listing = await run_in_threadpool(_open_listing, call, run_id, task)
    return events.EventStream(_stream(call, run_id, listing, after=max(after, number)))


def line_listing(
    run_id: str, task_ids: Sequence[str] | None = None, *, child: str | None = None
) -> Listing:
    """Return the lines of a run in their order.

    Args:
        task_ids: Only those of these tasks of the flow, and of their children.
        child: Only those of this child.
    """
    statement = select(log_lines).where(log_lines.c.run_id == run_id)
    if task_ids is not None:
        statement = statement.where(log_lines.c.flow_task_id.in_(task_ids))
    if child is not None:
        statement = statement.where(log_lines.c.task_id == child)
    return Listing(statement, (log_lines.c.number,), is_descending=False)


def _append(change: Change, *, run_id: str, body: LogBatchBody) -> None:
    connection = change.connection
    run = find_run(connection, change.caller.organisation_id, run_id)
    graph = graph_of_run(connection, run)
    last = add_lines(connection, run, graph, body.records, where="body.records")
    change.audit(run_id, details={"first": last - len(body.records) + 1, "last": last})


def _page(
    call: Call, run_id: str, *, task: str | None, after: int, limit: int, cursor: str | None
) -> Document:
    with call.view() as view:
        return _listing(view, run_id, task).page(
            view, limit=limit, cursor=cursor, document=_document, start=[after]
        )


async def _stream(
    call: Call, run_id: str, listing: Listing, *, after: int
) -> AsyncGenerator[bytes, None]:
    services = call.services
    read = partial(_log_page, call, run_id, listing)
    with services.line_signals.listening(run_id) as listener:
        stream = log_events(read, listener, after=after, stopping=services.stopping)
        async with aclosing(stream):
            async for event in stream:
                yield event


def _log_page(call: Call, run_id: str, listing: Listing, after: int) -> LogPage:
    with call.view() as view:
        # The status first: once it says that the run has ended, all lines are there to be read.
        run = find_run(view.connection, view.caller.organisation_id, run_id)
        rows = view.connection.execute(listing.after([after], limit=_EVENTS_AT_ONCE)).all()
        has_ended = RunStatus.of(run.status).is_terminal
        return LogPage(
            lines=tuple(NumberedLine(row.number, _document(row)) for row in rows),
            is_full=len(rows) == _EVENTS_AT_ONCE,
            end={"status": run.status} if has_ended else None,
        )


def _open_listing(call: Call, run_id: str, task: str | None) -> Listing:
    with call.view() as view:
        return _listing(view, run_id, task)


def _listing(view: View, run_id: str, task: str | None) -> Listing:
    run = find_run(view.connection, view.caller.organisation_id, run_id)
    if task is None:
        return line_listing(run_id)
    choice = graph_of_run(view.connection, run).choose(run_id, task)
    return line_listing(run_id, choice.task_ids, child=choice.child)


def _document(row: Row[Any]) -> dict[str, Any]:
    return log_document(
        LogRecord(
            run_id=row.run_id,
            at=to_datetime(row.at),
            level=row.level,
            logger=row.logger,
            message=row.message,
            task_id=row.task_id,
            attempt=row.attempt,
        )
    )
