"""What the store has SQLite do: where it begins transactions, and where it checkpoints."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from dagy_store import LocalMetadataStore
from dagy_store._file_lock import FileLock
from dagy_store._migration import prepare
from dagy_store._schema import MIGRATIONS, Migration
from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunStatus,
    TaskStatus,
    TaskTransition,
)

NewRun = Callable[..., Run]
At = Callable[[float], datetime]

_connect = sqlite3.connect
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP)\b", re.IGNORECASE)


class _Watched(sqlite3.Connection):
    """Notes each statement as SQLite begins it, and whether the store's lock is held then."""

    path: Path
    is_snapshot: bool
    notes: list[str]
    statements: list[str]

    def watch(self, uri: str, notes: list[str]) -> None:
        self.path = Path(unquote(uri.partition("?")[0].removeprefix("file://")))
        self.is_snapshot = "immutable=1" in uri
        self.notes = notes
        self.statements = []
        self._begin = ""
        self.set_trace_callback(self._note)

    def close(self) -> None:
        if not self.is_snapshot and not self._is_locked():
            self.notes.append(f"closed {self.path.name} without the lock")
        super().close()

    def _note(self, statement: str) -> None:
        statement = statement.strip().removesuffix(";")
        self.statements.append(statement)
        if statement.upper().startswith("BEGIN"):
            self._begin = statement
            if statement != "BEGIN IMMEDIATE":
                self.notes.append(f"begun with {statement}")
        elif _WRITES.match(statement) and not (
            self.in_transaction and self._begin == "BEGIN IMMEDIATE"
        ):
            self.notes.append(f"written outside of BEGIN IMMEDIATE: {statement}")
        needs_lock = "wal_checkpoint" in statement or statement.startswith(("BEGIN", "COMMIT"))
        if needs_lock and not self._is_locked():
            self.notes.append(f"{statement} without the lock")

    def _is_locked(self) -> bool:
        name = re.sub(r"^(dagy\.db).*", r"\1.lock", self.path.name)
        descriptor = os.open(self.path.with_name(name), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


class _Watch:
    """All connections of a test, and what was wrong with them."""

    def __init__(self) -> None:
        self.connections: list[_Watched] = []
        self.wrong: list[str] = []

    def connect(self, database: str, **options: Any) -> sqlite3.Connection:
        connection = _connect(database, factory=_Watched, **options)
        assert isinstance(connection, _Watched)
        connection.watch(database, self.wrong)
        self.connections.append(connection)
        return connection

    def statements(self) -> list[str]:
        return [each for connection in self.connections for each in connection.statements]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> _Watch:
    watch = _Watch()
    monkeypatch.setattr(sqlite3, "connect", watch.connect)
    return watch


def _use_everything(directory: Path, spec: FlowSpec, new_run: NewRun, at: At) -> None:
    with LocalMetadataStore(directory, checkpoint_bytes=1) as store:
        store.create_run(new_run("crashes"), spec)
    with LocalMetadataStore(directory, checkpoint_bytes=1) as store:
        store.create_run(new_run(), spec)
        for size in (10, 20_000):
            task_id = "extract" if size == 10 else "clean"
            store.record_tasks(
                "r1",
                [
                    TaskTransition(task_id, TaskStatus.RUNNING, at(2), attempt=1),
                    TaskTransition(
                        task_id,
                        TaskStatus.SUCCEEDED,
                        at(3),
                        output=Output(b"x" * size, "json"),
                        cache_key="key",
                    ),
                ],
            )
        with LocalMetadataStore(directory) as reader:
            reader.list_runs(limit=5)
            reader.list_task_runs("r1")
            reader.read_output("r1", "clean")
            reader.find_cached("key")
        store.create_run(new_run("r2", resumed_from="r1"), spec)
        origin = Origin("r1", "extract", ReuseReason.RESUMED)
        reuse = TaskTransition("extract", TaskStatus.SUCCEEDED, at(4), origin=origin)
        store.record_tasks("r2", [reuse])
        for run_id in ("r1", "r2"):
            store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
        assert store.get_run("crashes").status is RunStatus.FAILED


def _upgrade(directory: Path) -> None:
    lock = FileLock(directory / "dagy.db.lock", timeout_seconds=0)
    later = Migration("ALTER TABLE runs ADD COLUMN colour TEXT;", min_reader="0.1.0")
    prepare(directory / "dagy.db", lock, (*MIGRATIONS, later))
    lock.close()


def test_nothing_checkpoints_without_the_lock_and_no_connection_by_itself(
    watch: _Watch, directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    """STORE-02: on SQLite 3.7.0 to 3.51.2 a checkpoint that races a writer can lose commits."""
    _use_everything(directory, spec, new_run, at)
    _upgrade(directory)
    assert watch.wrong == []
    lasting = [connection for connection in watch.connections if not connection.is_snapshot]
    assert len(lasting) >= 6
    for connection in lasting:
        assert connection.statements[0] == "PRAGMA wal_autocheckpoint = 0"
        later = connection.statements[1:]
        assert not [each for each in later if "wal_autocheckpoint" in each]
    assert watch.statements().count("PRAGMA wal_checkpoint(TRUNCATE)") >= 4


def test_every_write_transaction_begins_immediate(
    watch: _Watch, directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    """STORE-05: a transaction that reads first and then writes can fail as locked at once."""
    _use_everything(directory, spec, new_run, at)
    _upgrade(directory)
    assert watch.wrong == []
    statements = watch.statements()
    assert statements.count("BEGIN IMMEDIATE") >= 7
    assert len([each for each in statements if _WRITES.match(each)]) >= 10


@pytest.mark.parametrize(
    ("statements", "wrong"),
    [
        (["BEGIN", "INSERT INTO flow_specs VALUES ('a', '{}')"], "begun with BEGIN"),
        (["INSERT INTO flow_specs VALUES ('a', '{}')"], "written outside of BEGIN IMMEDIATE"),
        (["PRAGMA wal_checkpoint(TRUNCATE)"], "wal_checkpoint(TRUNCATE) without the lock"),
        ([], "closed dagy.db without the lock"),
    ],
)
def test_the_watch_itself_sees_what_is_wrong(
    watch: _Watch, directory: Path, statements: list[str], wrong: str
) -> None:
    LocalMetadataStore(directory).close()
    uri = (directory / "dagy.db").as_uri()
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    assert wrong in " | ".join(watch.wrong)
