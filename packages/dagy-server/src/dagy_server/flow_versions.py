"""The rows of flows: found by name and version, and turned into documents."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.engine import Row

from dagy_server.clock import to_datetime
from dagy_server.database.schema import flows
from dagy_types import FlowStatus, FlowVersion, api_document
from dagy_types.errors import NotFoundError

_HINT = "GET /flows lists them."

# A whole statement, as every trigger executes it: put together anew, it would be analysed anew.
NEWEST = (
    select(flows)
    .where(flows.c.organisation_id == bindparam("organisation"), flows.c.name == bindparam("flow"))
    .order_by(flows.c.created_at.desc(), flows.c.version.desc())
    .limit(1)
)
"""Finds the version of a flow that was registered last."""


def is_version(organisation_id: str, name: str, version: str) -> Any:  # Any: a condition
    """Return the condition that a row is this version."""
    return (
        (flows.c.organisation_id == organisation_id)
        & (flows.c.name == name)
        & (flows.c.version == version)
    )


def find_version(connection: Connection, organisation_id: str, name: str, version: str) -> Row[Any]:
    """Return a version of a flow.

    Raises:
        NotFoundError: When the organisation has none of this name.
    """
    mine = is_version(organisation_id, name, version)
    row = connection.execute(select(flows).where(mine)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no version {version!r} of a flow {name!r}.", hint=_HINT)
    return row


def find_newest(connection: Connection, organisation_id: str, name: str) -> Row[Any]:
    """Return the version of a flow that was registered last.

    Raises:
        NotFoundError: When the organisation has no such flow.
    """
    values = {"organisation": organisation_id, "flow": name}
    row = connection.execute(NEWEST, values).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no flow {name!r}.", hint=_HINT)
    return row


def flow_document(row: Row[Any]) -> dict[str, Any]:
    """Return the document of a version; without its graph where the row has none."""
    version = FlowVersion(
        flow_name=row.name,
        flow_version=row.version,
        namespace=row.namespace,
        tags=row.tags,
        status=FlowStatus.of(row.status),
        artifact_id=row.artifact_id,
        org_id=row.organisation_id,
        created_at=to_datetime(row.created_at),
    )
    spec = getattr(row, "spec", None)
    return {**api_document(version), "flow_spec": None if spec is None else json.loads(spec)}
