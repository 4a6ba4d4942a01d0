"""The audit log, to be read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.clock import to_text
from dagy_server.database.schema import audit_log
from dagy_server.documents import DocumentModel
from dagy_server.field_types import Filter
from dagy_server.listing import Cursor, Limit, Listing, Page
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Document, View

router = Router("audit log")


class AuditDocument(DocumentModel):
    """Who changed what: a user or a key, an action, what it was done to."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    details: dict[str, Any]  # Any: JSON
    request_id: str


@route(
    router,
    "GET",
    "/audit-log",
    needs=Permission.AUDIT_READ,
    operation="audit_log.list",
    response=Page[AuditDocument],
)
def list_audit_log(
    view: View,
    action: Filter | None = None,
    actor: Filter | None = None,
    limit: Limit = limits.PAGE_ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> Document:
    """List what was changed in the organisation; the newest first."""
    statement = select(audit_log).where(audit_log.c.organisation_id == view.caller.organisation_id)
    if action is not None:
        statement = statement.where(audit_log.c.action == action)
    if actor is not None:
        statement = statement.where(audit_log.c.actor == actor)
    listing = Listing(statement, (audit_log.c.id,))
    return listing.page(view, limit=limit, cursor=cursor, document=_document)


def _document(row: Row[Any]) -> Document:
    return {
        "id": row.id,
        "at": to_text(row.at),
        "actor": row.actor,
        "action": row.action,
        "target": row.target,
        "details": row.details,
        "request_id": row.request_id,
    }
