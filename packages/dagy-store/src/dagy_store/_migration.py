"""Making a store and bringing it up to date: once each, however many processes start at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dagy_store._connection import connect, connect_to_snapshot, has_log
from dagy_store._failures import not_a_store
from dagy_store._file_lock import FileLock
from dagy_store._new_files import copy_database, new_file, publish, remove_side_files
from dagy_store._schema import APPLICATION_ID, MIGRATIONS, Migration
from dagy_store._version import declare, version_of, why_not_writable


def prepare(path: Path, lock: FileLock, migrations: Sequence[Migration] = MIGRATIONS) -> bool:
    """Make ``path`` a store of this version, without a lock where it is one already.

    Returns:
        Whether it may be written too: a newer store that this release can read is left as it is.

    Raises:
        StoreVersionError: When a newer Dagy wrote it so that this one cannot read it; its bytes
            stay as they are.
        StoreError: When it is not a store, also unchanged.
        StoreBusyError: When another process held the lock for too long.
    """
    version = _version_without_lock(path, migrations)
    if version is None or version < len(migrations):
        with lock:
            version = _version_in_file(path, migrations)
            if version is None:
                _create(path, migrations)
            elif version < len(migrations):
                _upgrade(path, migrations)
    return version is None or version <= len(migrations)


def _version_without_lock(path: Path, migrations: Sequence[Migration]) -> int | None:
    try:
        return _version_in_file(path, migrations)
    except sqlite3.DatabaseError:
        # A checkpoint of another process can spoil this look; the next has the lock.
        return None


def _version_in_file(path: Path, migrations: Sequence[Migration]) -> int | None:
    """Return the version of the main file, or ``None`` where there is nothing yet.

    A snapshot keeps SQLite from writing to or beside a file that may not be ours. Opening the
    file without SQLite would, on closing, drop the locks of this process's other connections.
    """
    try:
        if not path.stat().st_size:
            return None
    except FileNotFoundError:
        return None  # any other error leaves open what is there, and must not look like nothing
    with closing(connect_to_snapshot(path)) as connection:
        # A checkpoint that was interrupted leaves a main file that is shorter than its header
        # says. The write-ahead log makes up for it; this look needs no more than the header.
        connection.execute("PRAGMA writable_schema = ON")
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise not_a_store(path)
        version = version_of(connection)
        if version > len(migrations) and not has_log(path):
            why_not_writable(path, connection, migrations)  # raises where it cannot be read either
        return version


def _create(path: Path, migrations: Sequence[Migration]) -> None:
    # What an interrupted creation or a deleted store left would be taken for a part of this one.
    remove_side_files(path)
    new = new_file(path)
    with closing(connect(new, busy_timeout_seconds=0)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _migrate(connection, migrations, first=0)
        connection.execute("PRAGMA journal_mode = WAL")
    publish(new, path)


def _upgrade(path: Path, migrations: Sequence[Migration]) -> None:
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        version = version_of(connection)  # the write-ahead log may know better than the main file
        if version < len(migrations):
            copy_database(connection, path.with_name(f"{path.name}.backup-v{version}"))
            _migrate(connection, migrations, first=version)
        # So that the next look at the main file sees the new version.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _migrate(
    connection: sqlite3.Connection, migrations: Sequence[Migration], *, first: int
) -> None:
    """Run the migrations that are missing, all or none."""
    steps = "\n".join(migration.statements for migration in migrations[first:])
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{steps}")
        declare(connection, migrations)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
