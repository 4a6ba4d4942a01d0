"""Foreign errors in the words of Dagy: none of another kind leaves the package."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagy_types.errors import StoreBusyError, StoreError

FOREIGN = (sqlite3.Error, OSError, UnicodeDecodeError)
"""The errors of others that stores meet."""

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn a foreign error into a `StoreError` that names the file, or else ``path``."""
    try:
        yield
    except FOREIGN as error:
        raise store_error(error, path) from error


def store_error(error: sqlite3.Error | OSError | UnicodeDecodeError, path: Path) -> StoreError:
    """Return the `StoreError` for a foreign error; it names the file, or else ``path``."""
    if isinstance(error, UnicodeDecodeError):  # of what SQLite says of a file full of noise
        return damaged(path / "dagy.db", "a text in it is none")
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(str(error), path / "dagy.db")
    return _from_system(error, path)


def disk_full(path: Path | str) -> StoreError:
    """Return the error to raise when there is no room to write ``path``."""
    return StoreError(
        f"The disk is full: {path} cannot be written.",
        hint="Free some space on that disk and try again. What was recorded before is kept.",
    )


def not_a_store(path: Path) -> StoreError:
    """Return the error to raise when the file is not, or no longer, a store."""
    return StoreError(
        f"{path} is not a store of Dagy.",
        hint="Move that file away, or set DAGY_LOCAL_DIR to another directory.",
    )


def damaged(path: Path | str, what: str) -> StoreError:
    """Return the error to raise when something in a store is not what only Dagy writes."""
    return StoreError(
        f"{path} is damaged: {what}.",
        hint="It was changed by something else. Move it away: Dagy then starts a new one.",
    )


def _from_sqlite(cause: str, path: Path) -> StoreError:
    # Error codes are on the exception from Python 3.11 on; these texts are SQLite's own
    # and the same in all versions.
    if cause == "database or disk is full":
        return disk_full(path)
    if cause == "file is not a database":
        return not_a_store(path)
    if cause.startswith("database is locked"):
        return StoreBusyError(
            f"{path} is busy: another program has locked it.",
            hint="Close the program that has the file open and try again.",
        )
    if cause == "disk I/O error":
        return StoreError(
            f"{path} cannot be read or written: {cause}.",
            hint="Look whether that disk is full or failing, then try again.",
        )
    if cause in ("unable to open database file", "attempt to write a readonly database"):
        return StoreError(f"{path} cannot be opened: {cause}.", hint=_permissions_hint(path.parent))
    return StoreError(
        f"{path} cannot be used: {cause}.",
        hint="If it is damaged, move it away: Dagy then starts a new one.",
    )


def _from_system(error: OSError, path: Path) -> StoreError:
    place = error.filename if isinstance(error.filename, str) else path
    if error.errno in DISK_FULL:
        return disk_full(place)
    return StoreError(
        f"{place} cannot be used: {error.strerror or error}.", hint=_permissions_hint(path)
    )


def _permissions_hint(directory: Path) -> str:
    return f"Make sure that you may read and write {directory}, or set DAGY_LOCAL_DIR."
