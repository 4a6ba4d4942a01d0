from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dagy_store._connection import connect, require_strict_tables
from dagy_types.errors import StoreError


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 36, 9)])
def test_a_sqlite_without_strict_tables_is_refused_by_name(version: tuple[int, ...]) -> None:
    with pytest.raises(StoreError, match=r"needs SQLite 3\.37 or newer") as caught:
        require_strict_tables(version)
    assert ".".join(map(str, version)) in caught.value.message


def test_newer_versions_of_sqlite_are_welcome() -> None:
    require_strict_tables((3, 37, 0))
    require_strict_tables((4, 0, 0))
    require_strict_tables()


def test_every_connection_is_durable_strict_and_never_checkpoints_by_itself(
    tmp_path: Path,
) -> None:
    (tmp_path / "new.db").touch()
    with closing(connect(tmp_path / "new.db", busy_timeout_seconds=1.5)) as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("wal_autocheckpoint", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "wal_autocheckpoint": 0,
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 1500,
    }


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "missing.db", busy_timeout_seconds=0)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("My notes.\n" * 100)
    with pytest.raises(sqlite3.DatabaseError, match="file is not a database"):
        connect(tmp_path / "notes", busy_timeout_seconds=0)
