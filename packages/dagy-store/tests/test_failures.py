from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from dagy_store._failures import store_errors
from dagy_types.errors import NotFoundError, StoreBusyError, StoreError

_DIRECTORY = Path("/home/ada/.dagy")


def _translated(error: Exception) -> StoreError:
    with pytest.raises(StoreError) as caught, store_errors(_DIRECTORY):
        raise error
    assert caught.value.__cause__ is error
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (
            "database or disk is full",
            "The disk is full: /home/ada/.dagy/dagy.db cannot be written.",
        ),
        ("file is not a database", "/home/ada/.dagy/dagy.db is not a store of Dagy."),
        (
            "disk I/O error",
            "/home/ada/.dagy/dagy.db cannot be read or written: disk I/O error.",
        ),
        (
            "unable to open database file",
            "/home/ada/.dagy/dagy.db cannot be opened: unable to open database file.",
        ),
        (
            "attempt to write a readonly database",
            "/home/ada/.dagy/dagy.db cannot be opened: attempt to write a readonly database.",
        ),
        (
            "database disk image is malformed",
            "/home/ada/.dagy/dagy.db cannot be used: database disk image is malformed.",
        ),
    ],
)
def test_errors_of_sqlite_become_sentences(cause: str, message: str) -> None:
    assert _translated(sqlite3.DatabaseError(cause)).message == message


def test_a_locked_database_is_busy() -> None:
    assert isinstance(_translated(sqlite3.OperationalError("database is locked")), StoreBusyError)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_a_full_disk(number: int) -> None:
    error = OSError(number, "no room", "/home/ada/.dagy/runs/r1")
    assert _translated(error).message == (
        "The disk is full: /home/ada/.dagy/runs/r1 cannot be written."
    )


def test_errors_of_the_system_name_the_file_or_else_the_directory() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "/home/ada/.dagy/dagy.db.lock")
    assert _translated(denied).message == (
        "/home/ada/.dagy/dagy.db.lock cannot be used: Permission denied."
    )
    assert _translated(OSError(errno.EIO, "Input/output error")).message == (
        "/home/ada/.dagy cannot be used: Input/output error."
    )


def test_errors_of_dagy_pass_as_they_are() -> None:
    error = NotFoundError("There is no run 'x'.")
    with pytest.raises(NotFoundError) as caught, store_errors(_DIRECTORY):
        raise error
    assert caught.value is error
