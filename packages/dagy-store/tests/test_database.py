from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from dagy_store._connection import connect
from dagy_store._database import Database
from dagy_store._failures import store_errors
from dagy_store._file_lock import FileLock
from dagy_types.errors import StoreBusyError, StoreError, StoreVersionError

_ADD = "INSERT INTO flow_specs VALUES (?, ?)"
_COUNT = "SELECT count(*) AS n FROM flow_specs"
_MEBIBYTE = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dagy.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = _database(path)
    yield database
    database.close()


def _database(path: Path, busy_timeout_seconds: float = 0.05) -> Database:
    return Database(path, busy_timeout_seconds=busy_timeout_seconds, sleep=time.sleep)


def _count(database: Database) -> int:
    count: int = database.rows(_COUNT)[0]["n"]
    return count


def _add_megabytes(database: Database, count: int, prefix: str = "row") -> None:
    for number in range(count):
        with database.transaction() as connection:
            connection.execute(_ADD, (f"{prefix}-{number}", "x" * _MEBIBYTE))


def test_a_transaction_is_seen_by_others_once_it_is_committed(
    path: Path, database: Database
) -> None:
    other = _database(path)
    with database.transaction() as connection:
        connection.execute(_ADD, ("a", "{}"))
        assert _count(other) == 0
    assert _count(other) == 1
    other.close()


def test_an_error_undoes_the_whole_transaction_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute(_ADD, ("a", "{}"))
        raise ZeroDivisionError
    assert _count(database) == 0
    with database.transaction() as connection:
        connection.execute(_ADD, ("b", "{}"))
    assert _count(database) == 1


def test_a_full_disk_undoes_the_transaction_and_the_next_one_works(
    path: Path, database: Database
) -> None:
    with database.transaction() as connection:
        connection.execute("PRAGMA max_page_count = 20")
    with (
        pytest.raises(StoreError, match="The disk is full"),
        store_errors(path.parent),
        database.transaction() as connection,
    ):
        connection.execute(_ADD, ("large", "x" * _MEBIBYTE))
    assert _count(database) == 0
    with database.transaction() as connection:
        connection.execute("PRAGMA max_page_count = 100000")
        connection.execute(_ADD, ("large", "x" * _MEBIBYTE))
    assert _count(database) == 1


def test_a_second_writer_waits_and_is_then_told_who_is_busy(path: Path, database: Database) -> None:
    other = _database(path)
    with database.transaction(), pytest.raises(StoreBusyError), other.transaction():
        pytest.fail("two writers")
    with other.transaction() as connection:
        connection.execute(_ADD, ("a", "{}"))
    assert _count(database) == 1
    other.close()


def test_another_program_that_locks_the_file_makes_it_busy(path: Path, database: Database) -> None:
    database.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(StoreBusyError, match="another program has locked it"),
            store_errors(path.parent),
            database.transaction(),
        ):
            pytest.fail("two writers")
        foreign.execute("ROLLBACK")


def test_a_checkpoint_keeps_the_write_ahead_log_small(path: Path, database: Database) -> None:
    sizes = []
    for number in range(24):
        _add_megabytes(database, 1, prefix=str(number))
        sizes.append(path.with_name("dagy.db-wal").stat().st_size)
    assert max(sizes) < 6 * _MEBIBYTE
    assert sum(after < before for before, after in pairwise(sizes)) >= 2
    assert path.stat().st_size > 6 * _MEBIBYTE


def test_an_open_reader_neither_stops_the_writer_nor_costs_it_a_checkpoint_each_time(
    path: Path, database: Database
) -> None:
    database.open()
    with closing(connect(path, busy_timeout_seconds=0)) as reader:
        reader.execute("BEGIN")
        reader.execute(_COUNT).fetchall()
        waiting = _database(path, busy_timeout_seconds=600)
        _add_megabytes(waiting, 10)  # would wait for the reader at each checkpoint
        assert path.with_name("dagy.db-wal").stat().st_size > 10 * _MEBIBYTE
        reader.execute("COMMIT")
    _add_megabytes(waiting, 4, prefix="later")
    assert path.with_name("dagy.db-wal").stat().st_size < 6 * _MEBIBYTE
    assert _count(waiting) == 14
    waiting.close()


def test_closing_waits_for_a_writer_of_another_process(path: Path, database: Database) -> None:
    database.open()
    lock = FileLock(path.with_name("dagy.db.lock"), timeout_seconds=0)
    lock.__enter__()
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        lock.__exit__(None, None, None)

    other = Database(path, busy_timeout_seconds=60, sleep=sleep)
    other.open()
    other.close()
    assert len(waits) == 1
    assert not other.is_connected
    lock.close()


def test_closing_does_not_fail_when_a_writer_never_ends(path: Path, database: Database) -> None:
    other = _database(path)
    other.open()
    with database.transaction():
        other.close()
    assert not other.is_connected


def test_closing_does_not_fail_when_the_directory_is_gone(path: Path, database: Database) -> None:
    database.open()
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    database.close()
    assert not database.is_connected


def test_a_fork_finds_no_connection_and_no_thread_inside(database: Database) -> None:
    database.open()
    entered = threading.Event()
    thread = threading.Thread(target=lambda: (database.rows(_COUNT), entered.set()))
    database.before_fork()
    assert not database.is_connected
    thread.start()
    assert not entered.is_set()
    database.after_fork()
    thread.join()
    assert entered.is_set()


def test_it_connects_again_after_closing(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(_ADD, ("a", "{}"))
    database.close()
    assert _count(database) == 1


def test_an_upgrade_that_is_only_in_the_write_ahead_log_is_noticed(path: Path) -> None:
    old, newer = _database(path), _database(path)
    newer.open()
    with newer.transaction() as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError, match="store version 99"):
        old.open()
    assert not old.is_connected
    newer.close()
    old.close()


def test_threads_take_turns(database: Database) -> None:
    def add(prefix: str) -> None:
        for number in range(20):
            with database.transaction() as connection:
                connection.execute(_ADD, (f"{prefix}-{number}", "{}"))

    threads = [threading.Thread(target=add, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(database) == 80
