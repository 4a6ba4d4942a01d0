from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dagy_store._connection import connect
from dagy_store._failures import store_errors
from dagy_store._file_lock import FileLock
from dagy_store._migration import prepare, version_of
from dagy_store._schema import APPLICATION_ID, MIGRATIONS
from dagy_types.errors import StoreError, StoreVersionError

_NEXT = (*MIGRATIONS, "ALTER TABLE runs ADD COLUMN colour TEXT; UPDATE runs SET colour = 'blue';")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dagy.db"


def _prepare(path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    lock = FileLock(path.with_name("dagy.db.lock"), timeout_seconds=30)
    try:
        prepare(path, lock, migrations)
    finally:
        lock.close()


def _snapshot(directory: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in directory.iterdir() if path.name != "dagy.db.lock"
    }


def _pragma(path: Path, name: str) -> object:
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_store_says_whose_it_is_and_which_version(path: Path) -> None:
    _prepare(path)
    assert _pragma(path, "application_id") == APPLICATION_ID
    assert _pragma(path, "user_version") == len(MIGRATIONS)
    assert _pragma(path, "journal_mode") == "wal"
    assert sorted(_snapshot(path.parent)) == ["dagy.db"]


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    _prepare(path)
    assert _pragma(path, "user_version") == len(MIGRATIONS)


def test_a_current_store_is_opened_without_the_lock(path: Path) -> None:
    _prepare(path)
    holder = FileLock(path.with_name("dagy.db.lock"), timeout_seconds=0)
    waiter = FileLock(path.with_name("dagy.db.lock"), timeout_seconds=0)
    with holder.held():
        prepare(path, waiter)
    holder.close()


def test_what_a_deleted_store_left_is_not_taken_for_a_part_of_the_new_one(path: Path) -> None:
    _prepare(path)
    connection = connect(path, busy_timeout_seconds=0)
    connection.execute("INSERT INTO flow_specs VALUES ('old', '{}')")
    left = path.with_name("dagy.db-wal").read_bytes()
    connection.close()
    path.unlink()
    path.with_name("dagy.db-wal").write_bytes(left)
    _prepare(path)
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        assert connection.execute("SELECT count(*) FROM flow_specs").fetchone()[0] == 0


def test_an_interrupted_creation_is_begun_anew(path: Path) -> None:
    path.with_name("dagy.db.new").write_bytes(b"half of it")
    path.with_name("dagy.db.new-journal").write_bytes(b"and more")
    _prepare(path)
    assert sorted(_snapshot(path.parent)) == ["dagy.db"]


def test_a_failed_creation_leaves_no_store(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        _prepare(path, ("CREATE TABLE a (b);", "NONSENSE;"))
    assert not path.exists()
    _prepare(path)
    assert _pragma(path, "user_version") == len(MIGRATIONS)


def test_a_newer_store_is_refused_and_not_touched(path: Path) -> None:
    _prepare(path, _NEXT)
    before = _snapshot(path.parent)
    with pytest.raises(StoreVersionError) as caught:
        _prepare(path)
    assert caught.value.message == (
        f"{path} was written by a newer Dagy (store version {len(_NEXT)}, "
        f"this one knows {len(MIGRATIONS)})."
    )
    assert caught.value.hint == "Upgrade: pip install -U dagy-cli"
    assert _snapshot(path.parent) == before


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_the_database_of_another_program_is_refused_and_not_touched(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE theirs (a)")
    before = _snapshot(path.parent)
    with pytest.raises(StoreError, match="is not a store of Dagy"):
        _prepare(path)
    assert _snapshot(path.parent) == before


@pytest.mark.parametrize("content", [b"x", b"These are notes.\n" * 100])
def test_a_file_that_is_no_database_is_not_touched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a store of Dagy"), store_errors(path.parent):
        _prepare(path)
    assert _snapshot(path.parent) == {"dagy.db": content}


def test_an_older_store_is_upgraded_with_its_rows(path: Path) -> None:
    _prepare(path)
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        connection.execute("INSERT INTO flow_specs VALUES ('hash', '{}')")
    _prepare(path, _NEXT)
    assert _pragma(path, "user_version") == len(_NEXT)
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        assert [tuple(row) for row in connection.execute("SELECT * FROM flow_specs")] == [
            ("hash", "{}")
        ]
        connection.execute("SELECT colour FROM runs")


def test_a_failed_upgrade_changes_nothing(path: Path) -> None:
    _prepare(path)
    broken = (*MIGRATIONS, "ALTER TABLE runs ADD COLUMN colour TEXT;", "NONSENSE;")
    with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
        _prepare(path, broken)
    assert _pragma(path, "user_version") == len(MIGRATIONS)
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        columns = [row["name"] for row in connection.execute("PRAGMA table_info(runs)")]
    assert "colour" not in columns


def test_an_upgrade_that_is_only_in_the_write_ahead_log_is_not_made_again(path: Path) -> None:
    _prepare(path)
    reader = connect(path, busy_timeout_seconds=0)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM runs").fetchall()
    _prepare(path, _NEXT)  # the reader keeps this from reaching the main file
    _prepare(path, _NEXT)
    reader.execute("COMMIT")
    assert version_of(reader) == len(_NEXT)
    reader.close()


def test_processes_that_upgrade_at_once_do_it_once(path: Path) -> None:
    _prepare(path)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_prepare, args=(path, _NEXT)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert _pragma(path, "user_version") == len(_NEXT)
