"""Making a store and bringing it up to date: once each, however many processes start at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dagy_store._connection import connect
from dagy_store._failures import not_a_store
from dagy_store._file_lock import FileLock
from dagy_store._private_files import make_private_file, sync_directory
from dagy_store._schema import APPLICATION_ID, MIGRATIONS
from dagy_types.errors import StoreVersionError

_SIDE_FILES = ("-wal", "-shm", "-journal")


def prepare(path: Path, lock: FileLock, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Make ``path`` a store of this version, without a lock where it is one already.

    Raises:
        StoreVersionError: When a newer Dagy wrote it; its bytes stay as they are.
        StoreError: When it is not a store, also unchanged.
        StoreBusyError: When another process held the lock for too long.
    """
    if _is_current(path, migrations):
        return
    with lock.held():
        version = _version_in_file(path, migrations)
        if version is None:
            _create(path, migrations)
        elif version < len(migrations):
            _upgrade(path, migrations)


def require_known(path: Path, version: int, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Refuse a version from the future.

    Raises:
        StoreVersionError: When the version is newer than the last migration.
    """
    if version > len(migrations):
        raise StoreVersionError(
            f"{path} was written by a newer Dagy (store version {version}, "
            f"this one knows {len(migrations)}).",
            hint="Upgrade: pip install -U dagy-cli",
        )


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many migrations the file has had."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _is_current(path: Path, migrations: Sequence[str]) -> bool:
    try:
        return _version_in_file(path, migrations) == len(migrations)
    except sqlite3.DatabaseError:
        # A checkpoint of another process can spoil this look; the next has the lock.
        return False


def _version_in_file(path: Path, migrations: Sequence[str]) -> int | None:
    """Return the version of the main file, or ``None`` where there is nothing yet.

    ``immutable`` keeps SQLite from writing to or beside a file that may not be ours. Opening the
    file without SQLite would, on closing, drop the locks of this process's other connections.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    uri = f"{path.as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise not_a_store(path)
        version = version_of(connection)
    require_known(path, version, migrations)
    return version


def _create(path: Path, migrations: Sequence[str]) -> None:
    """Build the file under another name: what has the right name is always whole."""
    new = path.with_name(f"{path.name}.new")
    # What an interrupted creation or a deleted store left would be taken for a part of this one.
    for name in (new, path):
        for suffix in _SIDE_FILES:
            name.with_name(name.name + suffix).unlink(missing_ok=True)
    new.unlink(missing_ok=True)
    make_private_file(new)
    with closing(connect(new, busy_timeout_seconds=0)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executescript(_in_one_transaction(migrations, first=0))
        connection.execute("PRAGMA journal_mode = WAL")
    new.replace(path)
    sync_directory(path.parent)


def _upgrade(path: Path, migrations: Sequence[str]) -> None:
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        version = version_of(connection)
        require_known(path, version, migrations)
        if version < len(migrations):
            connection.executescript(_in_one_transaction(migrations, first=version))
        # So that the next look at the main file sees the new version.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _in_one_transaction(migrations: Sequence[str], *, first: int) -> str:
    steps = "\n".join(migrations[first:])
    return f"BEGIN IMMEDIATE;\n{steps}\nPRAGMA user_version = {len(migrations)};\nCOMMIT;"
