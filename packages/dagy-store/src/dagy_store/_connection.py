"""How a connection to the store is set up."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dagy_types.errors import StoreError

_OLDEST_SQLITE = (3, 37, 0)


def connect(path: Path, *, busy_timeout_seconds: float, mode: str = "rw") -> sqlite3.Connection:
    """Open an existing store.

    Transactions are explicit, each commit waits for the disk unless told otherwise, and nothing
    checkpoints by itself: SQLite 3.7.0 to 3.51.2 can lose commits when a checkpoint races a writer
    or another checkpoint, so checkpoints are made under the store's own lock only.
    """
    connection = _open(path, f"mode={mode}", busy_timeout_seconds)
    try:
        for pragma in ("wal_autocheckpoint = 0", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_snapshot(path: Path) -> sqlite3.Connection:
    """Open the main file alone, writing nothing to it or beside it.

    That is right as long as nobody changes it, so such a connection must not be kept.
    """
    return _open(path, "mode=ro&immutable=1", 0)


def write_ahead_log(path: Path) -> Path:
    """Return the file that holds what is not in the main file yet."""
    return path.with_name(f"{path.name}-wal")


def has_log(path: Path) -> bool:
    """Tell whether there may be something that is not in the main file yet."""
    log = write_ahead_log(path)
    return log.exists() and log.stat().st_size > 0


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


def _open(path: Path, options: str, busy_timeout_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?{options}",
        uri=True,
        isolation_level=None,
        timeout=busy_timeout_seconds,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection
