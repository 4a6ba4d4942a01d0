"""How a connection to the store is set up."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dagy_types.errors import StoreError

_OLDEST_SQLITE = (3, 37, 0)


def connect(path: Path, *, busy_timeout_seconds: float) -> sqlite3.Connection:
    """Open an existing store.

    Transactions are explicit, each commit is durable when it returns, and nothing checkpoints
    by itself: SQLite 3.7.0 to 3.51.2 can lose commits when a checkpoint races a writer or
    another checkpoint, so checkpoints are made under the store's own lock only.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=busy_timeout_seconds,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in ("wal_autocheckpoint = 0", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def require_strict_tables(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Refuse a SQLite that does not know STRICT tables.

    Raises:
        StoreError: When it is older than 3.37.
    """
    if version < _OLDEST_SQLITE:
        found = ".".join(map(str, version))
        raise StoreError(
            f"Dagy's store needs SQLite 3.37 or newer, and this Python comes with {found}.",
            hint="Use a Python that was built with a newer SQLite.",
        )
