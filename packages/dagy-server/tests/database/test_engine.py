from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from dagy_server.database.engine import Database
from dagy_server.database.schema import organisations
from dagy_types.errors import ConfigError, ConflictError, StoreBusyError, StoreError

_ACME = {"id": "org_1", "name": "Acme", "created_at": 1}


@pytest.fixture
def path(tmp_path: Path, new_database: Callable[[Path], None]) -> Path:
    path = tmp_path / "a database.db"
    new_database(path)
    return path


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}", busy_timeout_seconds=0.2)
    yield database
    database.close()


def _names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(select(organisations.c.name)))


def test_what_was_written_is_there_and_what_failed_is_not(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(organisations).values(_ACME))
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(insert(organisations).values({**_ACME, "id": "org_2"}))
        raise ZeroDivisionError
    assert _names(database) == ["Acme"]


def test_a_view_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    with database.reading() as connection:
        assert connection.scalars(select(organisations.c.id)).all() == []
        with database.writing() as other:
            other.execute(insert(organisations).values(_ACME))
        assert connection.scalars(select(organisations.c.id)).all() == []
    assert _names(database) == ["Acme"]


def test_foreign_keys_and_unique_names_are_kept(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(organisations).values(_ACME))
    with pytest.raises(ConflictError), database.writing() as connection:
        connection.execute(insert(organisations).values(_ACME))
    with pytest.raises(ConflictError), database.writing() as connection:
        connection.execute(text("INSERT INTO memberships VALUES ('org_1', 'nobody', 'owner', 1)"))


def test_writers_of_one_process_wait_for_each_other(path: Path) -> None:
    database = Database(f"sqlite:///{path}", busy_timeout_seconds=30)

    def write(number: int) -> None:
        for each in range(20):
            with database.writing() as connection:
                values = {**_ACME, "id": f"org_{number}_{each}"}
                connection.execute(insert(organisations).values(values))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_names(database)) == 160
    database.close()


def test_a_writer_that_waits_for_too_long_is_told_so(database: Database) -> None:
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing():
            held.set()
            enough.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    with pytest.raises(StoreBusyError, match="busy"), database.writing():
        raise AssertionError
    enough.set()
    thread.join()


def test_a_database_that_another_program_has_locked_is_busy(path: Path, database: Database) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError), database.writing():
        raise AssertionError
    other.close()
    with database.writing():
        pass


def test_a_full_disk_is_named_and_nothing_is_half_written(path: Path, database: Database) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = path.with_name(f"{path.name}-wal")
    with database.writing() as connection:
        connection.execute(insert(organisations).values(_ACME))
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        with pytest.raises(StoreError), database.writing() as connection:
            values = {**_ACME, "id": "org_2", "name": "x" * 100_000}
            connection.execute(insert(organisations).values(values))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _names(database) == ["Acme"]


def test_no_error_of_the_database_tells_of_its_insides(database: Database) -> None:
    with pytest.raises(StoreError) as failure, database.reading() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert "nowhere" not in failure.value.message
    assert failure.value.hint


def test_a_database_that_is_gone_is_an_error_of_dagy(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'no' / 'such' / 'directory.db'}")
    with pytest.raises(StoreError, match="cannot be used"), database.reading():
        raise AssertionError
    database.engine.dispose()


def test_the_log_is_folded_into_the_file_now_and_then_and_at_the_end(
    path: Path, database: Database
) -> None:
    empty = path.stat().st_size
    for each in range(200):
        with database.writing() as connection:
            values = {**_ACME, "id": f"org_{each}", "name": "x" * 200}
            connection.execute(insert(organisations).values(values))
    assert path.stat().st_size > empty
    with database.writing() as connection:
        connection.execute(insert(organisations).values({**_ACME, "id": "org_last"}))
    database.close()
    alone = path.with_name("copy.db")
    alone.write_bytes(path.read_bytes())
    connection = sqlite3.connect(alone)
    assert connection.execute("SELECT count(*) FROM organisations").fetchone() == (201,)
    connection.close()


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite+aiosqlite:///x", "nonsense", ""])
def test_a_url_of_no_known_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Database(url)
    assert refused.value.hint is not None
    assert "postgresql://" in refused.value.hint


def test_no_password_of_a_url_is_told() -> None:
    with pytest.raises(ConfigError) as refused:
        Database("mysql://dagy:hunter22@host/name")
    assert "hunter22" not in f"{refused.value} {refused.value.hint}"


def test_postgresql_without_its_driver_says_what_to_install() -> None:
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(ConfigError, match="driver") as refused:
            Database("postgresql://dagy@host/name")
        assert refused.value.hint == "Run: pip install 'dagy-server[postgres]'"
    else:
        database = Database("postgresql://dagy@127.0.0.1:1/name", busy_timeout_seconds=2)
        with pytest.raises(StoreError, match="cannot be used"), database.reading():
            raise AssertionError
        database.close()
