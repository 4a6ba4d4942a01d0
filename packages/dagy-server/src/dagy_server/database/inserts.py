"""Rows that are made unless they are there: two who make the same one do not collide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_if_absent(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],  # Any: of its columns
) -> bool:
    """Make a row, unless there is one with the same key; tell whether it was made."""
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    # Not by the row count, which is not known of every insert.
    statement = insert.values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None
