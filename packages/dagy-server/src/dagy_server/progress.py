"""What becomes of a run: reported in batches by the worker that has it, or by who ran it elsewhere.

A batch is recorded as a whole or not at all. It says how things are, not what has changed, so the
same batch again changes nothing, and what is known already may be in it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, StrictInt
from sqlalchemy import Connection, update
from sqlalchemy.engine import Row
from starlette.responses import Response

from dagy_server import limits
from dagy_server.clock import from_datetime
from dagy_server.database.schema import runs
from dagy_server.execution import queue
from dagy_server.field_types import Environment, Message, Moment, RequestModel
from dagy_server.flow_graph import FlowGraph
from dagy_server.flows import FlowSpecBody
from dagy_server.log_lines import add_lines
from dagy_server.logs import LogRecordBody
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.run_rows import find_run, graph_of_run, keep_graph
from dagy_server.task_batches import TaskRunBody, record_task_runs
from dagy_server.transactions import Call, Change, Document, View
from dagy_types import (
    RUN_TRANSITIONS,
    FailureReason,
    FlowSpec,
    RunReceipt,
    RunStatus,
    flow_spec_to_json,
)
from dagy_types.errors import ConflictError

router = Router("runs")


class RunEndBody(RequestModel):
    """How and when a run ended."""

    status: RunStatus
    ended_at: Moment
    reason: FailureReason | None = None
    error: Message | None = None


class RunProgressBody(RequestModel):
    """How a run stands.

    Attributes:
        flow_spec: Its graph, unless it is that of the flow's version.
        task_runs: Tasks of it, as they are now.
        first_log: The number of the first of these messages in the log of the run, from 1; those
            that are there already are passed over. Without it they are added as they are.
    """

    flow_spec: FlowSpecBody | None = None
    started_at: Moment | None = None
    source: Message | None = None
    environment: Environment | None = None
    task_runs: Annotated[list[TaskRunBody], Field(max_length=limits.TASK_RUN_BATCH)] = []
    logs: Annotated[list[LogRecordBody], Field(max_length=limits.LOG_BATCH_RECORDS)] = []
    first_log: Annotated[StrictInt, Field(ge=1, le=2**62)] | None = None
    end: RunEndBody | None = None


@route(
    router,
    "POST",
    "/runs/{run_id}/progress",
    needs=Permission.RUNS_WRITE,
    audit="run.progressed",
    operation="runs.report",
    response=RunReceipt,
)
def report_progress(call: Call, run_id: str, body: RunProgressBody) -> Response:
    """Record how a run stands: all of it or, when something does not fit, nothing."""
    answer = call.change(lambda change: _record(change, run_id, body))
    call.services.line_signals.notify(run_id)
    return answer


@route(
    router,
    "GET",
    "/runs/{run_id}/flow",
    needs=Permission.RUNS_READ,
    operation="runs.flow_spec",
    response=FlowSpec,
)
def get_flow_spec(view: View, run_id: str) -> Document:
    """Get the graph that a run has: for its parameters, it may differ from that of its flow."""
    run = find_run(view.connection, view.caller.organisation_id, run_id)
    document: Document = json.loads(flow_spec_to_json(graph_of_run(view.connection, run).spec))
    return document


def _record(change: Change, run_id: str, body: RunProgressBody) -> Document:
    connection, organisation_id = change.connection, change.caller.organisation_id
    run = find_run(connection, organisation_id, run_id, for_update=True)
    status = RunStatus.of(run.status)
    values: dict[str, Any] = {}
    graph = None
    if body.flow_spec is not None:
        values["spec_hash"], graph = _keep_spec(connection, run, body.flow_spec)
    graph = graph or graph_of_run(connection, run)
    if body.task_runs:
        record_task_runs(change, run, graph, body.task_runs)
    values |= _facts(body)
    if status is RunStatus.QUEUED and (body.task_runs or body.started_at or body.flow_spec):
        started = from_datetime(body.started_at) if body.started_at else change.now
        values |= {"status": RunStatus.RUNNING.value, "started_at": started}
        status = RunStatus.RUNNING
    log_count = add_lines(
        connection, run, graph, body.logs, where="body.logs", first=body.first_log
    )
    if body.end is not None:
        values |= _end(run, status, body.end)
        status = body.end.status
    if values:
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))
    if body.end is not None:
        queue.withdraw(connection, run_id)
    change.audit(
        run_id,
        details={"tasks": len(body.task_runs), "logs": len(body.logs), "status": status.value},
    )
    return {"status": status.value, "log_count": log_count}


def _keep_spec(connection: Connection, run: Row[Any], body: FlowSpecBody) -> tuple[str, FlowGraph]:
    spec = body.to_flow_spec()
    if (spec.name, spec.version) != (run.flow_name, run.flow_version):
        raise ConflictError(
            f"Run {run.id!r} is one of {run.flow_name}@{run.flow_version}, and this is the graph "
            f"of {spec.name}@{spec.version}."
        )
    if run.spec_hash not in (None, spec.content_hash):
        raise ConflictError(f"Run {run.id!r} has another graph already.")
    return spec.content_hash, keep_graph(connection, run.organisation_id, spec)


def _facts(body: RunProgressBody) -> dict[str, Any]:
    said = {"source": body.source, "environment": body.environment}
    return {name: value for name, value in said.items() if value is not None}


def _end(run: Row[Any], status: RunStatus, end: RunEndBody) -> dict[str, Any]:
    values = {
        "status": end.status.value,
        "reason": end.reason.value if end.reason else None,
        "error": end.error,
        "ended_at": from_datetime(end.ended_at),
    }
    if all(getattr(run, name) == value for name, value in values.items()):
        return {}  # it is known already
    if not end.status.is_terminal or end.status not in RUN_TRANSITIONS[status]:
        raise ConflictError(
            f"Run {run.id!r} is {status} and cannot end as {end.status}.",
            hint="It has ended." if status.is_terminal else "Report how it ended.",
        )
    if end.reason is not None and end.status is not RunStatus.FAILED:
        raise ConflictError(f"Run {run.id!r} cannot be {end.status} with the reason {end.reason}.")
    return values
