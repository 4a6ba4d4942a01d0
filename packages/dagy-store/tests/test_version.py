from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dagy_store._connection import connect
from dagy_store._file_lock import FileLock
from dagy_store._migration import prepare
from dagy_store._release import RELEASE
from dagy_store._schema import MIGRATIONS
from dagy_store._version import declare, version_of, why_not_writable
from dagy_types.errors import StoreVersionError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "dagy.db"
    lock = FileLock(tmp_path / "dagy.db.lock", timeout_seconds=0)
    prepare(path, lock)
    lock.close()
    return path


def _change(path: Path, *statements: str) -> None:
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        for statement in statements:
            connection.execute(statement)


def _why_not_writable(path: Path) -> StoreVersionError | None:
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        return why_not_writable(path, connection)


def test_a_store_says_who_made_it_and_who_can_read_it(path: Path) -> None:
    """STORE-09: from version 1 on."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT version, written_by, min_reader FROM store").fetchall()
    assert rows == [(len(MIGRATIONS), RELEASE, MIGRATIONS[-1].min_reader)]
    assert _why_not_writable(path) is None


def test_a_newer_store_that_declares_itself_readable_can_be_read_and_not_written(
    path: Path,
) -> None:
    _change(path, "UPDATE store SET version = 7, written_by = '0.9.0'", "PRAGMA user_version = 7")
    error = _why_not_writable(path)
    assert error is not None
    assert error.message == (
        f"{path} was written by a newer Dagy: made by dagy-store 0.9.0. "
        f"This one can read it, not write it (store version 7, this one knows 1)."
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE store SET version = 7, written_by = '0.9.0', min_reader = '0.8.1'",
            "made by dagy-store 0.9.0, needs 0.8.1 or newer (store version 7, this one knows 1).",
        ),
        (
            "UPDATE store SET version = 6",  # the upgrade to 7 forgot to declare anything
            "was written by a newer Dagy (store version 7, this one knows 1).",
        ),
        ("DELETE FROM store", "was written by a newer Dagy (store version 7, this one knows 1)."),
        ("DROP TABLE store", "was written by a newer Dagy (store version 7, this one knows 1)."),
    ],
)
def test_any_other_newer_store_is_refused(path: Path, statement: str, message: str) -> None:
    _change(path, statement, "PRAGMA user_version = 7")
    with pytest.raises(StoreVersionError) as caught:
        _why_not_writable(path)
    assert caught.value.message.endswith(message)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Upgrade: pip install -U dagy-cli")


def test_a_declaration_replaces_the_one_before(path: Path) -> None:
    later = (*MIGRATIONS, MIGRATIONS[-1]._replace(min_reader="3.1"))
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        declare(connection, later)
        assert version_of(connection) == len(later)
        rows = [tuple(row) for row in connection.execute("SELECT * FROM store")]
    assert rows == [(1, len(later), RELEASE, "3.1")]
