"""Rows that are made unless they are there: two who make the same one do not collide."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_absent(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],  # Any: of its columns
) -> bool:
    """Make a row, unless there is one with the same key; tell whether it was made."""
    statement = _statement(table, connection.dialect.name)
    return connection.execute(statement, dict(values)).first() is not None


@cache
def _statement(table: Table, dialect: str) -> Any:  # Any: each dialect has a class of its own
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    # Not by the row count, which is not known of every insert.
    return insert.on_conflict_do_nothing().returning(*table.primary_key)
