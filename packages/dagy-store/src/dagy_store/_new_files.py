"""Databases in the making: what has the right name is always whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dagy_store._connection import connect
from dagy_store._private_files import make_private_file, sync_directory

_SIDE_FILES = ("-wal", "-shm", "-journal")


def copy_database(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the whole store as it is now; a copy that was interrupted is as good as none."""
    new = new_file(path)
    with closing(connect(new, busy_timeout_seconds=0)) as copy:
        copy.execute("PRAGMA journal_mode = MEMORY")
        connection.backup(copy)
    publish(new, path)


def new_file(path: Path) -> Path:
    """Make an empty file under another name, for what is to become ``path``."""
    new = path.with_name(f"{path.name}.new")
    remove_side_files(new)
    new.unlink(missing_ok=True)
    make_private_file(new)
    return new


def publish(new: Path, path: Path) -> None:
    """Give the new file its name, durably."""
    new.replace(path)
    sync_directory(path.parent)


def remove_side_files(path: Path) -> None:
    """Remove what SQLite left beside a file that is gone or made anew."""
    for suffix in _SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
