"""What a store says of itself, and what this release may do with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from dagy_store._release import RELEASE, is_at_least
from dagy_store._schema import MIGRATIONS, Migration
from dagy_types.errors import StoreVersionError

_DECLARE = (
    "INSERT OR REPLACE INTO store (only, version, written_by, min_reader) VALUES (1, ?, ?, ?)"
)

# A row about another version than the file's is a declaration that was forgotten: it says nothing.
_DECLARED = "SELECT written_by, min_reader FROM store WHERE version = ?"


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many migrations the file has had."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def declare(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Write that the file has had all these migrations, and who can read it now."""
    version = len(migrations)
    connection.execute(_DECLARE, (version, RELEASE, migrations[-1].min_reader))
    connection.execute(f"PRAGMA user_version = {version}")


def why_not_writable(
    path: Path, connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS
) -> StoreVersionError | None:
    """Return the error to raise on a write, because the file is newer; ``None`` when it is not.

    Raises:
        StoreVersionError: When it may not even be read.
    """
    version = version_of(connection)
    known = len(migrations)
    if version <= known:
        return None
    written_by, min_reader = _declared(connection, version)
    versions = f"store version {version}, this one knows {known}"
    if min_reader is None:
        raise StoreVersionError(
            f"{path} was written by a newer Dagy ({versions}).",
            hint="Upgrade: pip install -U dagy-cli",
        )
    if not is_at_least(RELEASE, min_reader):
        raise StoreVersionError(
            f"{path} was written by a newer Dagy: made by dagy-store {written_by}, "
            f"needs {min_reader} or newer ({versions}).",
            hint=f"Upgrade: pip install -U dagy-cli 'dagy-store>={min_reader}'",
        )
    return StoreVersionError(
        f"{path} was written by a newer Dagy: made by dagy-store {written_by}. "
        f"This one can read it, not write it ({versions}).",
        hint="Upgrade: pip install -U dagy-cli",
    )


def _declared(connection: sqlite3.Connection, version: int) -> tuple[str, str] | tuple[None, None]:
    try:
        row = connection.execute(_DECLARED, (version,)).fetchone()
    except sqlite3.OperationalError:  # no such table or column: a far future
        row = None
    return (row["written_by"], row["min_reader"]) if row else (None, None)
