"""Flows: versions that never change once they are registered, but for their tags."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints
from sqlalchemy import select, update
from sqlalchemy.engine import Row
from starlette.responses import Response

from dagy_server import limits
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import flows
from dagy_server.deployments import binding, deploy
from dagy_server.documents import again, error_responses
from dagy_server.field_types import (
    Description,
    Filter,
    Id,
    Label,
    Name,
    Namespace,
    RequestModel,
    Tags,
)
from dagy_server.flow_artifacts import require_flow_artifact
from dagy_server.flow_versions import find_newest, find_version, flow_document, is_version
from dagy_server.listing import Cursor, Limit, Listing, Page
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Answer, Call, Change, Document, View
from dagy_types import (
    FlowSpec,
    FlowStatus,
    FlowVersion,
    flow_spec_from_json,
    flow_spec_to_json,
)
from dagy_types.errors import ConflictError

router = Router("flows")

_TaskId = Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS)]
_CodeHash = Annotated[str, StringConstraints(max_length=128)]
_WITHOUT_SPEC = [each for each in flows.c if each.name != "spec"]


class TaskSpecBody(RequestModel):
    """One call of a task in a flow."""

    task_id: _TaskId
    name: Label
    description: Description | None = None
    depends_on: Annotated[list[_TaskId], Field(max_length=limits.TASK_DEPENDENCIES)] = []
    is_mapped: StrictBool = False
    code_hash: _CodeHash | None = None
    tags: Tags = {}


class FlowSpecBody(RequestModel):
    """The graph of one flow."""

    name: Name
    version: Name = "latest"
    description: Description | None = None
    tasks: Annotated[list[TaskSpecBody], Field(max_length=limits.FLOW_TASKS)] = []
    outputs: Annotated[list[_TaskId], Field(max_length=limits.FLOW_TASKS)] = []
    code_hash: _CodeHash | None = None
    tags: Tags = {}

    def to_flow_spec(self) -> FlowSpec:
        """Return what it says."""
        return flow_spec_from_json(self.model_dump_json())


class FlowRegistrationBody(RequestModel):
    """A version of a flow, and the deployment that is to run it, if any.

    Without tags it keeps those that it has: at first those of its graph.
    """

    flow_spec: FlowSpecBody
    namespace: Namespace | None = None
    deployment_name: Name | None = None
    tags: Tags = {}
    artifact_id: Id | None = None


@route(
    router,
    "GET",
    "/flows",
    needs=Permission.FLOWS_READ,
    operation="flows.list",
    response=Page[FlowVersion],
)
def list_flows(
    view: View,
    flow_name: Filter | None = None,
    namespace: Filter | None = None,
    limit: Limit = limits.PAGE_ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> Document:
    """List versions of flows, without their graphs; the newest first."""
    statement = select(*_WITHOUT_SPEC).where(flows.c.organisation_id == view.caller.organisation_id)
    if flow_name is not None:
        statement = statement.where(flows.c.name == flow_name)
    if namespace is not None:
        statement = statement.where(flows.c.namespace == namespace)
    keys = (flows.c.created_at, flows.c.name, flows.c.version)
    listing = Listing(statement, keys if flow_name is None else (keys[0], keys[2]))
    return listing.page(view, limit=limit, cursor=cursor, document=flow_document)


@route(
    router,
    "GET",
    "/flows/{name}",
    needs=Permission.FLOWS_READ,
    operation="flows.get",
    response=FlowVersion,
)
def get_flow(view: View, name: str) -> Document:
    """Get the version of a flow that was registered last."""
    return flow_document(find_newest(view.connection, view.caller.organisation_id, name))


@route(
    router,
    "GET",
    "/flows/{name}/versions/{version}",
    needs=Permission.FLOWS_READ,
    operation="flows.get_version",
    response=FlowVersion,
)
def get_flow_version(view: View, name: str, version: str) -> Document:
    """Get one version of a flow."""
    organisation_id = view.caller.organisation_id
    return flow_document(find_version(view.connection, organisation_id, name, version))


@route(
    router,
    "POST",
    "/flows",
    needs=Permission.FLOWS_WRITE,
    audit="flow.registered",
    operation="flows.register",
    response=FlowVersion,
    responses=again(FlowVersion) | error_responses(404),
    status=201,
)
def register_flow(call: Call, body: FlowRegistrationBody) -> Response:
    """Register a version of a flow, and deploy it when a deployment is named.

    The same content again changes nothing, but for the tags; other content under a version that
    there is, is refused; and so is an artifact that is no sound archive of this very flow.
    """
    spec = body.flow_spec.to_flow_spec()
    require_flow_artifact(call, body.artifact_id, spec)
    return call.change(partial(_register_and_deploy, body=body, spec=spec))


def _register_and_deploy(change: Change, *, body: FlowRegistrationBody, spec: FlowSpec) -> Answer:
    is_new, row = _register(change, body, spec)
    if body.deployment_name is not None:
        change.caller.require(Permission.DEPLOYMENTS_WRITE)
        deploy(change, body.deployment_name, binding(row))
    change.audit(
        f"{spec.name}@{spec.version}",
        details={
            "content_hash": row.content_hash,
            "is_new": is_new,
            "deployment_name": body.deployment_name,
        },
    )
    document = {**flow_document(row), "deployment_name": body.deployment_name}
    return Answer(document, status=201 if is_new else 200)


def _register(change: Change, body: FlowRegistrationBody, spec: FlowSpec) -> tuple[bool, Row[Any]]:
    organisation_id = change.caller.organisation_id
    tags = dict(body.tags or spec.tags)
    values = {
        "organisation_id": organisation_id,
        "name": spec.name,
        "version": spec.version,
        "namespace": body.namespace or "",
        "tags": tags,
        "status": FlowStatus.ACTIVE.value,
        "spec": flow_spec_to_json(spec),
        "content_hash": spec.content_hash,
        "artifact_id": body.artifact_id,
        "created_at": change.now,
        "created_by": change.caller.actor,
    }
    is_new = insert_if_absent(change.connection, flows, values)
    row = find_version(change.connection, organisation_id, spec.name, spec.version)
    if is_new:
        return True, row
    _require_same(row, body, spec)
    if body.tags and row.tags != tags:
        mine = is_version(organisation_id, spec.name, spec.version)
        change.connection.execute(update(flows).where(mine).values(tags=tags))
        row = find_version(change.connection, organisation_id, spec.name, spec.version)
    return False, row


def _require_same(row: Row[Any], body: FlowRegistrationBody, spec: FlowSpec) -> None:
    different = {
        "graph": row.content_hash != spec.content_hash,
        "namespace": body.namespace is not None and row.namespace != body.namespace,
        "artifact": body.artifact_id is not None and row.artifact_id != body.artifact_id,
    }
    if any(different.values()):
        what = " and ".join(name for name, is_different in different.items() if is_different)
        raise ConflictError(
            f"Flow {spec.name!r} has a version {spec.version!r} already, with another {what}.",
            hint="A version never changes: register this under a new one.",
        )
