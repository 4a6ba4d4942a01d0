"""The record of who changed what, written in the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from dagy_server.database.schema import audit_log

SERVER = "server"
"""The actor, where nobody else is."""

_INSERT = insert(audit_log).inline()  # nobody asks for its number


def record(
    connection: Connection,
    *,
    at: int,
    organisation_id: str | None,
    actor: str,
    action: str,
    target: str,
    request_id: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one row.

    Args:
        action: What was done: ``run.triggered``.
        target: The id or name of what was changed.
        details: What else there is to know of it, as JSON; never a secret.
    """
    values = {
        "organisation_id": organisation_id,
        "at": at,
        "actor": actor,
        "action": action,
        "target": target[:255],
        "request_id": request_id,
        "details": dict(details or {}),
    }
    connection.execute(_INSERT, values)
