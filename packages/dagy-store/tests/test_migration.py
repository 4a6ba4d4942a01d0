from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from dagy_store._connection import connect
from dagy_store._database import Database
from dagy_store._failures import store_errors
from dagy_store._file_lock import FileLock
from dagy_store._migration import prepare
from dagy_store._release import RELEASE
from dagy_store._schema import APPLICATION_ID, MIGRATIONS, Migration
from dagy_store._version import version_of
from dagy_types.errors import StoreError, StoreVersionError

# What a later release might do.
_NEXT = (
    *MIGRATIONS,
    Migration(
        "ALTER TABLE runs ADD COLUMN colour TEXT; UPDATE runs SET colour = 'blue';"
        "CREATE INDEX runs_by_colour ON runs (colour);",
        min_reader="99.8",
    ),
)


_GOLDEN = Path(__file__).parent / "data" / "store-v1.db"
_TABLES = ("flow_specs", "runs", "task_runs", "cache")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dagy.db"


def _prepare(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
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
    """STORE-07"""
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
    with holder:
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
        _prepare(path, (Migration("CREATE TABLE a (b); NONSENSE;", min_reader="1"),))
    assert not path.exists()
    _prepare(path)
    assert _pragma(path, "user_version") == len(MIGRATIONS)


def test_a_newer_store_is_refused_and_not_touched(path: Path) -> None:
    _prepare(path, _NEXT)
    before = _snapshot(path.parent)
    with pytest.raises(StoreVersionError) as caught:
        _prepare(path)
    assert caught.value.message == (
        f"{path} was written by a newer Dagy: made by dagy-store {RELEASE}, "
        f"needs 99.8 or newer (store version {len(_NEXT)}, this one knows {len(MIGRATIONS)})."
    )
    assert caught.value.hint == "Upgrade: pip install -U dagy-cli 'dagy-store>=99.8'"
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
    broken = (*_NEXT, Migration("NONSENSE;", min_reader="1"))
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
    """STORE-08: one upgrades (twice would be an error), the others wait for it."""
    _prepare(path)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_prepare, args=(path, _NEXT)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert _pragma(path, "user_version") == len(_NEXT)


def _content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows, in the columns of version 1."""
    columns = {
        "flow_specs": "content_hash, spec",
        "runs": "run_id, flow_name, flow_version, spec_hash, status, reason, error, parameters, "
        "environment, source, resumed_from, created_at, started_at, ended_at",
        "task_runs": "run_id, task_id, status, attempt, started_at, ended_at, error, map_size, "
        "origin_run_id, origin_task_id, origin_reason, serializer, output_bytes, output",
        "cache": "key, recorded_at, run_id, task_id",
    }
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        for check in ("integrity_check", "foreign_key_check"):
            assert [row[0] for row in connection.execute(f"PRAGMA {check}")] in (["ok"], [])
        return {
            table: [
                tuple(row) for row in connection.execute(f"SELECT {columns[table]} FROM {table}")
            ]
            for table in _TABLES
        }


@pytest.fixture
def golden(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Puts the golden file of version 1 in place and returns what is in it."""
    shutil.copyfile(_GOLDEN, path)
    content = _content(path)
    assert [len(content[table]) for table in _TABLES] == [1, 4, 14, 3]
    return content


def test_the_golden_file_of_version_1_is_what_this_release_makes(path: Path) -> None:
    """STORE-08: whoever edits a released migration learns it here."""
    _prepare(path)
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    with closing(sqlite3.connect(path)) as new, closing(sqlite3.connect(_GOLDEN)) as golden:
        assert golden.execute("PRAGMA user_version").fetchone() == (1,)
        assert golden.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert new.execute(schema).fetchall() == golden.execute(schema).fetchall()


def test_the_golden_file_is_upgraded_with_all_rows_and_a_backup(
    path: Path, golden: dict[str, list[tuple[object, ...]]]
) -> None:
    """STORE-08"""
    _prepare(path, _NEXT)
    assert _content(path) == golden
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        assert [row[0] for row in connection.execute("SELECT DISTINCT colour FROM runs")] == [
            "blue"
        ]
        declared = tuple(connection.execute("SELECT version, min_reader FROM store").fetchone())
    assert declared == (2, "99.8")
    backup = path.with_name("dagy.db.backup-v1")
    assert sorted(_snapshot(path.parent)) == ["dagy.db", "dagy.db.backup-v1"]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert _pragma(backup, "user_version") == 1
    assert _content(backup) == golden


def test_the_backup_holds_what_is_only_in_the_write_ahead_log(path: Path) -> None:
    """STORE-08"""
    _prepare(path)
    with closing(connect(path, busy_timeout_seconds=0)) as connection:
        connection.execute("INSERT INTO flow_specs VALUES ('in the log', '{}')")
        _prepare(path, _NEXT)
    assert _content(path.with_name("dagy.db.backup-v1"))["flow_specs"] == [("in the log", "{}")]


def test_no_room_for_a_backup_leaves_the_old_store(
    path: Path,
    golden: dict[str, list[tuple[object, ...]]],
    disk_with_room_for: Callable[[int], AbstractContextManager[None]],
) -> None:
    """STORE-08"""
    with disk_with_room_for(20_000), pytest.raises(StoreError), store_errors(path.parent):
        _prepare(path, _NEXT)
    assert _pragma(path, "user_version") == 1
    _prepare(path, _NEXT)
    assert _content(path) == golden


def _killed_at(path: Path, moment: int) -> bool:
    """Upgrade in another process that is killed when SQLite begins its statement of this number.

    Return whether it lived to see that moment.
    """

    def upgrade() -> None:
        begun = 0

        def count(statement: str) -> None:
            nonlocal begun
            begun += 1
            if begun == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        def connect_and_count(database: str, **options: Any) -> sqlite3.Connection:
            connection = _connect(database, **options)
            connection.set_trace_callback(count)
            return connection

        _connect = sqlite3.connect
        sqlite3.connect = connect_and_count  # type: ignore[assignment]  # in this process only
        _prepare(path, _NEXT)

    process = multiprocessing.get_context("fork").Process(target=upgrade)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def test_an_upgrade_that_is_killed_at_any_statement_leaves_a_store_for_old_and_new(
    path: Path, golden: dict[str, list[tuple[object, ...]]]
) -> None:
    """STORE-08: the old release opens or refuses it cleanly, the new one ends the upgrade."""
    outcomes = []
    moment = 1
    while _killed_at(path, moment):
        old_release = Database(path, busy_timeout_seconds=0, sleep=time.sleep)
        try:
            old_release.open()
            outcomes.append("old")
        except StoreVersionError:
            outcomes.append("new")
        old_release.close()
        assert _content(path) == golden
        _prepare(path, _NEXT)
        assert _content(path) == golden
        assert _content(path.with_name("dagy.db.backup-v1")) == golden
        for file in path.parent.iterdir():
            file.unlink()
        shutil.copyfile(_GOLDEN, path)
        moment += 1
    assert outcomes.count("old") >= 10
    assert outcomes.count("new") >= 1
    assert outcomes == sorted(outcomes, reverse=True)
