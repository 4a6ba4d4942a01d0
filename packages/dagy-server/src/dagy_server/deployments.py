"""Deployments: names under which a version of a flow runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.engine import Row
from starlette.responses import Response

from dagy_server import limits
from dagy_server.clock import to_datetime
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import deployments
from dagy_server.documents import again, error_responses
from dagy_server.field_types import Filter, Id, Name, Namespace, Parameters, RequestModel, Tags
from dagy_server.flow_artifacts import require_flow_artifact
from dagy_server.flow_versions import find_version
from dagy_server.ids import new_id
from dagy_server.listing import Cursor, Limit, Listing, Page
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Answer, Call, Change, Document, View
from dagy_types import Deployment, api_document, flow_spec_from_json
from dagy_types.errors import NotFoundError

router = Router("deployments")


class DeploymentBody(RequestModel):
    """A deployment as it should be: what is left out, it does not have.

    Without a namespace or an artifact it has those of its flow.
    """

    deployment_name: Name
    flow_name: Name
    flow_version: Name = "latest"
    namespace: Namespace | None = None
    tags: Tags = {}
    parameters: Parameters = {}
    artifact_id: Id | None = None


@route(
    router,
    "GET",
    "/deployments",
    needs=Permission.DEPLOYMENTS_READ,
    operation="deployments.list",
    response=Page[Deployment],
)
def list_deployments(
    view: View,
    flow_name: Filter | None = None,
    namespace: Filter | None = None,
    limit: Limit = limits.PAGE_ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> Document:
    """List deployments, the newest first."""
    statement = select(deployments).where(
        deployments.c.organisation_id == view.caller.organisation_id
    )
    if flow_name is not None:
        statement = statement.where(deployments.c.flow_name == flow_name)
    if namespace is not None:
        statement = statement.where(deployments.c.namespace == namespace)
    listing = Listing(statement, (deployments.c.created_at, deployments.c.name))
    return listing.page(view, limit=limit, cursor=cursor, document=deployment_document)


@route(
    router,
    "GET",
    "/deployments/{name}",
    needs=Permission.DEPLOYMENTS_READ,
    operation="deployments.get",
    response=Deployment,
)
def get_deployment(view: View, name: str) -> Document:
    """Get one deployment."""
    row = find_deployment(view.connection, view.caller.organisation_id, name)
    return deployment_document(row)


@route(
    router,
    "POST",
    "/deployments",
    needs=Permission.DEPLOYMENTS_WRITE,
    audit="deployment.made",
    operation="deployments.create",
    response=Deployment,
    responses=again(Deployment) | error_responses(404),
    status=201,
)
def make_deployment(call: Call, body: DeploymentBody) -> Response:
    """Make a deployment, or make the one that has this name into this; all at once.

    An artifact of its own has to hold the same flow.
    """
    if body.artifact_id is not None:
        with call.view() as view:
            flow = _flow_of(view.connection, call.caller.organisation_id, body)
        require_flow_artifact(call, body.artifact_id, flow_spec_from_json(flow.spec))
    return call.change(partial(_make, body=body))


def _flow_of(connection: Connection, organisation_id: str, body: DeploymentBody) -> Row[Any]:
    return find_version(connection, organisation_id, body.flow_name, body.flow_version)


def _make(change: Change, *, body: DeploymentBody) -> Answer:
    flow = _flow_of(change.connection, change.caller.organisation_id, body)
    wanted = {**binding(flow), "tags": body.tags, "parameters": body.parameters}
    if body.namespace is not None:
        wanted["namespace"] = body.namespace
    if body.artifact_id is not None:
        wanted["artifact_id"] = body.artifact_id
    is_new, row = deploy(change, body.deployment_name, wanted)
    change.audit(
        row.name, details={"flow": f"{row.flow_name}@{row.flow_version}", "is_new": is_new}
    )
    return Answer(deployment_document(row), status=201 if is_new else 200)


def binding(flow: Row[Any]) -> dict[str, Any]:
    """Return the columns of a deployment that it has from its version of a flow."""
    return {
        "flow_name": flow.name,
        "flow_version": flow.version,
        "namespace": flow.namespace,
        "tags": flow.tags,
        "artifact_id": flow.artifact_id,
    }


def deploy(change: Change, name: str, wanted: Mapping[str, Any]) -> tuple[bool, Row[Any]]:
    """Make a deployment have these columns, and keep its others; tell whether it is new."""
    connection, organisation_id = change.connection, change.caller.organisation_id
    key = {"id": new_id("dep"), "organisation_id": organisation_id, "name": name}
    times = {"created_at": change.now, "updated_at": change.now}
    is_new = insert_if_absent(connection, deployments, {"parameters": {}, **wanted, **key, **times})
    row = find_deployment(connection, organisation_id, name)
    if any(getattr(row, column) != value for column, value in wanted.items()):
        mine = deployments.c.id == row.id
        connection.execute(
            update(deployments).where(mine).values({**wanted, "updated_at": change.now})
        )
        row = find_deployment(connection, organisation_id, name)
    return is_new, row


def find_deployment(connection: Connection, organisation_id: str, name: str) -> Row[Any]:
    """Return a deployment.

    Raises:
        NotFoundError: When the organisation has none of this name.
    """
    mine = (deployments.c.organisation_id == organisation_id) & (deployments.c.name == name)
    row = connection.execute(select(deployments).where(mine)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"There is no deployment {name!r}.", hint="GET /deployments lists them."
        )
    return row


def deployment_document(row: Row[Any]) -> dict[str, Any]:
    """Return the document of a deployment."""
    return api_document(
        Deployment(
            deployment_name=row.name,
            flow_name=row.flow_name,
            flow_version=row.flow_version,
            namespace=row.namespace,
            tags=row.tags,
            parameters=row.parameters,
            artifact_id=row.artifact_id,
            created_at=to_datetime(row.created_at),
            updated_at=to_datetime(row.updated_at),
        )
    )
