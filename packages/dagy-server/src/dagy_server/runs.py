"""Runs: triggered, listed, cancelled and tried again. They wait in the queue; workers run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import ConfigDict, model_validator
from sqlalchemy import insert, select, update
from sqlalchemy.engine import Row
from starlette.responses import Response

from dagy_server import limits
from dagy_server.database.schema import ID_BEGINNING_CHARACTERS, flows, runs, task_runs
from dagy_server.deployments import find_deployment
from dagy_server.documents import error_responses
from dagy_server.execution import queue
from dagy_server.field_types import Filter, Moment, Name, Parameters, RequestModel
from dagy_server.flow_versions import find_newest, find_version, is_version
from dagy_server.ids import new_run_id
from dagy_server.listing import Cursor, Limit, Page
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.run_rows import UNDER_WAY, find_run, place_of, run_listing, to_document
from dagy_server.transactions import Call, Change, Document, View
from dagy_types import Run, RunOrder, RunQuery, RunStatus, TaskStatus
from dagy_types.errors import ConflictError

router = Router("runs")

_INSERT = insert(runs).returning(runs)


class RunRequestBody(RequestModel):
    """What is to run: a deployment, or else a version of a flow, the newest if none is named.

    Parameters that are not given are those of the deployment.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["deployment_name"],
                    "properties": {
                        "deployment_name": {"type": "string"},
                        "flow_version": {"type": "null"},
                    },
                },
                {"required": ["flow_name"], "properties": {"flow_name": {"type": "string"}}},
            ]
        }
    )

    deployment_name: Name | None = None
    flow_name: Name | None = None
    flow_version: Name | None = None
    parameters: Parameters = {}

    @model_validator(mode="after")
    def _names_one_thing(self) -> RunRequestBody:
        if (self.deployment_name is None) == (self.flow_name is None):
            raise ValueError("give either deployment_name or flow_name")
        if self.deployment_name is not None and self.flow_version is not None:
            raise ValueError("flow_version goes with flow_name: a deployment has a version")
        return self


@route(
    router,
    "GET",
    "/runs",
    needs=Permission.RUNS_READ,
    operation="runs.list",
    response=Page[Run],
    responses=error_responses(404),
)
def list_runs(
    view: View,
    status: RunStatus | None = None,
    flow_name: Filter | None = None,
    deployment_name: Filter | None = None,
    since: Annotated[Moment | None, Query(description="Created at this time or later.")] = None,
    id_prefix: Annotated[
        str | None,
        Query(
            min_length=ID_BEGINNING_CHARACTERS,
            max_length=limits.RUN_ID_CHARACTERS,
            description="What their ids begin with.",
        ),
    ] = None,
    order: Annotated[
        RunOrder, Query(description="By start, only those that have started are listed.")
    ] = RunOrder.CREATED_DESCENDING,
    after: Annotated[
        str | None,
        Query(
            max_length=limits.RUN_ID_CHARACTERS,
            description="The id of the run behind which the first page begins.",
        ),
    ] = None,
    limit: Limit = limits.PAGE_ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> Document:
    """List runs, unless told otherwise the newest first."""
    organisation_id = view.caller.organisation_id
    query = RunQuery(
        status=status,
        flow_name=flow_name,
        since=since,
        id_prefix=id_prefix or "",
        order=order,
        after=after,
    )
    return run_listing(organisation_id, query, deployment_name=deployment_name).page(
        view,
        limit=limit,
        cursor=cursor,
        document=to_document,
        start=place_of(view.connection, organisation_id, query),
    )


@route(
    router,
    "POST",
    "/runs",
    needs=Permission.RUNS_TRIGGER,
    audit="run.triggered",
    operation="runs.trigger",
    response=Run,
    responses=error_responses(404),
    status=201,
)
def trigger_run(call: Call, body: RunRequestBody) -> Response:
    """Put a run in the queue."""
    answer = call.change(lambda change: _trigger(change, body))
    call.services.work_changed.set()
    return answer


@route(
    router,
    "GET",
    "/runs/{run_id}",
    needs=Permission.RUNS_READ,
    operation="runs.get",
    response=Run,
)
def get_run(view: View, run_id: str) -> Document:
    """Get one run as it stands."""
    return to_document(find_run(view.connection, view.caller.organisation_id, run_id))


@route(
    router,
    "POST",
    "/runs/{run_id}/cancel",
    needs=Permission.RUNS_TRIGGER,
    audit="run.cancelled",
    operation="runs.cancel",
    response=Run,
)
def cancel_run(call: Call, run_id: str) -> Response:
    """End a run that has not ended, and the tasks of it that are under way."""
    answer = call.change(lambda change: _cancel(change, run_id))
    call.services.line_signals.notify(run_id)
    return answer


@route(
    router,
    "POST",
    "/runs/{run_id}/retry",
    needs=Permission.RUNS_TRIGGER,
    audit="run.retried",
    operation="runs.retry",
    response=Run,
    status=201,
)
def retry_run(call: Call, run_id: str) -> Response:
    """Put a new run in the queue that does what this one has left undone."""
    answer = call.change(lambda change: _retry(change, run_id))
    call.services.work_changed.set()
    return answer


def _trigger(change: Change, body: RunRequestBody) -> Document:
    connection, organisation_id = change.connection, change.caller.organisation_id
    parameters: Mapping[str, Any] = body.parameters
    if body.deployment_name is not None:
        deployment = find_deployment(connection, organisation_id, body.deployment_name)
        flow_name, flow_version = deployment.flow_name, deployment.flow_version
        parameters = {**deployment.parameters, **parameters}
        artifact_id = deployment.artifact_id
    else:
        assert body.flow_name is not None  # as the model has seen to
        version = body.flow_version
        flow = (
            find_newest(connection, organisation_id, body.flow_name)
            if version is None
            else find_version(connection, organisation_id, body.flow_name, version)
        )
        flow_name, flow_version = flow.name, flow.version
        artifact_id = flow.artifact_id
    return _queue(
        change,
        deployment_name=body.deployment_name,
        flow_name=flow_name,
        flow_version=flow_version,
        parameters=dict(parameters),
        artifact_id=artifact_id,
    )


def _retry(change: Change, run_id: str) -> Document:
    connection = change.connection
    run = find_run(connection, change.caller.organisation_id, run_id, for_update=True)
    status = RunStatus.of(run.status)
    if status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        hint = "Trigger a new run." if status.is_terminal else "Wait for its end, or cancel it."
        raise ConflictError(
            f"Run {run_id!r} is {status}: there is nothing to try again.", hint=hint
        )
    _require_executable(change, run)
    other = connection.execute(
        select(runs.c.id).where(runs.c.resumed_from == run_id, runs.c.status.in_(UNDER_WAY))
    ).scalar()
    if other is not None:
        raise ConflictError(
            f"Run {run_id!r} is being tried again already, by run {other!r}.",
            hint="Wait for its end, then retry that one.",
        )
    return _queue(
        change,
        deployment_name=run.deployment_name,
        flow_name=run.flow_name,
        flow_version=run.flow_version,
        parameters=run.parameters,
        artifact_id=run.artifact_id,
        resumed_from=run_id,
    )


def _require_executable(change: Change, run: Row[Any]) -> None:
    """Raise a ConflictError when a run was executed elsewhere, where what it returned is."""
    flow = select(flows.c.artifact_id).where(
        is_version(run.organisation_id, run.flow_name, run.flow_version)
    )
    row = change.connection.execute(flow).one_or_none()
    if row is None or (run.artifact_id is None and row.artifact_id is not None):
        raise ConflictError(
            f"Run {run.id!r} was not executed here, and so cannot be tried again here.",
            hint="Resume it where it was executed, or trigger a new run.",
        )


def _queue(
    change: Change,
    *,
    deployment_name: str | None,
    flow_name: str,
    flow_version: str,
    parameters: Mapping[str, Any],
    artifact_id: str | None,
    resumed_from: str | None = None,
) -> Document:
    run_id = new_run_id()
    values = {
        "id": run_id,
        "organisation_id": change.caller.organisation_id,
        "deployment_name": deployment_name,
        "flow_name": flow_name,
        "flow_version": flow_version,
        "artifact_id": artifact_id,
        "status": RunStatus.QUEUED.value,
        "parameters": parameters,
        "environment": {},
        "resumed_from": resumed_from,
        "created_at": change.now,
        "created_by": change.caller.actor,
        "log_count": 0,
    }
    run = change.connection.execute(_INSERT, values).one()
    if artifact_id is not None:
        queue.enqueue(change.connection, run_id, now=change.now)
    flow = f"{flow_name}@{flow_version}"
    change.audit(run_id, details={"flow": flow, "resumed_from": resumed_from})
    return to_document(run)


def _cancel(change: Change, run_id: str) -> Document:
    connection = change.connection
    run = find_run(connection, change.caller.organisation_id, run_id, for_update=True)
    if run.status not in UNDER_WAY:
        raise ConflictError(
            f"Run {run_id!r} is {run.status} and cannot be cancelled.", hint="It has ended."
        )
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id)
        .values(status=RunStatus.CANCELLED.value, ended_at=change.now)
    )
    connection.execute(
        update(task_runs)
        .where(task_runs.c.run_id == run_id, task_runs.c.status == TaskStatus.RUNNING.value)
        .values(status=TaskStatus.CANCELLED.value, ended_at=change.now)
    )
    queue.withdraw(connection, run_id)
    change.audit(run_id, details={"was": run.status})
    return to_document(_found(change, run_id))


def _found(change: Change, run_id: str) -> Row[Any]:
    return find_run(change.connection, change.caller.organisation_id, run_id)
