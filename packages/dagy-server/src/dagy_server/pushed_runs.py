"""Runs that were executed elsewhere, kept here: what became of them is reported as of any other."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from sqlalchemy import select
from starlette.responses import Response

from dagy_server.clock import from_datetime
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import runs
from dagy_server.documents import again
from dagy_server.field_types import Environment, Label, Message, Moment, Parameters, RequestModel
from dagy_server.flows import FlowSpecBody
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.run_rows import keep_graph, to_document
from dagy_server.transactions import Answer, Call, Change
from dagy_types import Run, RunStatus
from dagy_types.errors import ConflictError

router = Router("runs")

_RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]


class RunPushBody(RequestModel):
    """A run as it was when it began, and its graph, which names the flow and the version."""

    flow_spec: FlowSpecBody
    created_at: Moment
    parameters: Parameters = {}
    source: Message | None = None
    resumed_from: Label | None = None
    environment: Environment = {}


@route(
    router,
    "PUT",
    "/runs/{run_id}",
    needs=Permission.RUNS_TRIGGER,
    audit="run.pushed",
    operation="runs.push",
    response=Run,
    responses=again(Run),
    status=201,
)
def push_run(call: Call, run_id: _RunId, body: RunPushBody) -> Response:
    """Keep a run that was executed elsewhere; the same again is the same run."""
    return call.change(lambda change: _push(change, run_id, body))


def _push(change: Change, run_id: str, body: RunPushBody) -> Answer:
    connection, organisation_id = change.connection, change.caller.organisation_id
    spec = body.flow_spec.to_flow_spec()
    keep_graph(connection, organisation_id, spec)
    facts: dict[str, Any] = {
        "organisation_id": organisation_id,
        "flow_name": spec.name,
        "flow_version": spec.version,
        "spec_hash": spec.content_hash,
        "artifact_id": None,  # so it is nothing for the workers of this server
        "parameters": body.parameters,
        "source": body.source,
        "resumed_from": body.resumed_from,
        "environment": body.environment,
        "created_at": from_datetime(body.created_at),
    }
    new = {
        "id": run_id,
        "status": RunStatus.QUEUED.value,
        "created_by": change.caller.actor,
        "log_count": 0,
    }
    is_new = insert_if_absent(connection, runs, facts | new)
    run = connection.execute(select(runs).where(runs.c.id == run_id)).one()
    if any(getattr(run, name) != value for name, value in facts.items()):
        raise ConflictError(
            f"There is another run {run_id!r} already.", hint="A run keeps what it began with."
        )
    change.audit(run_id, details={"flow": f"{spec.name}@{spec.version}", "is_new": is_new})
    return Answer(to_document(run), status=201 if is_new else 200)
