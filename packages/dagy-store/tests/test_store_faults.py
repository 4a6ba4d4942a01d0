"""Disks that fail or fill up at any moment, and stores that somebody broke (STORE-06, STORE-11)."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_store._file_lock import FileLock
from dagy_types import (
    FlowSpec,
    LogRecord,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunStatus,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ArtifactError, DagyError, StoreBusyError, StoreError

NewRun = Callable[..., Run]
MakeRecord = Callable[..., LogRecord]
At = Callable[[float], datetime]
Limit = Callable[[int], AbstractContextManager[None]]

_FORK = multiprocessing.get_context("fork")
_LARGE = b"x" * 20_000
_MORE_THAN_ALL_POINTS = 1000


class _Session:
    """A run from its beginning to its end, step by step; a step that fails can be repeated."""

    def __init__(
        self, directory: Path, run: Run, spec: FlowSpec, record: LogRecord, at: At
    ) -> None:
        self.directory = directory
        self._run = run
        self._spec = spec
        self._record = record
        self._at = at
        self._store: LocalMetadataStore | None = None

    @property
    def store(self) -> LocalMetadataStore:
        if self._store is None:
            self._store = LocalMetadataStore(self.directory, checkpoint_bytes=20_000)
        return self._store

    def steps(self) -> list[Callable[[], object]]:
        return [
            lambda: self.store,
            lambda: self.store.create_run(self._run, self._spec),
            lambda: self.store.append_logs("r1", [self._record] * 50),
            lambda: self.store.record_tasks("r1", self._succeed("extract", b"1")),
            lambda: self.store.record_tasks("r1", self._succeed("clean", _LARGE)),
            lambda: self.store.list_runs(limit=5),
            lambda: self.store.record_tasks("r1", self._succeed("clean-2", b"y" * 8000)),
            lambda: self.store.list_task_runs("r1"),
            lambda: self.store.create_run(
                replace(self._run, run_id="r2", resumed_from="r1"), self._spec
            ),
            lambda: self.store.record_tasks("r2", [self._reuse("clean")]),
            lambda: list(self.store.read_outputs("r2", ["clean"])),
            lambda: self.store.find_cached("key clean"),
            lambda: self.store.finish_run(
                "r2", RunEnd(status=RunStatus.FAILED, ended_at=self._at(9))
            ),
            lambda: self.store.finish_run(
                "r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=self._at(9))
            ),
            self.close,
        ]

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def check(self) -> None:
        """Look whether all of it is there, in another store."""
        with LocalMetadataStore(self.directory) as store:
            assert store.get_run("r1").status is RunStatus.SUCCEEDED
            statuses = [task.status for task in store.list_task_runs("r1")]
            assert statuses == [TaskStatus.SUCCEEDED] * 3 + [TaskStatus.PENDING]
            assert store.read_output("r1", "extract") == Output(b"1", "json")
            assert store.read_output("r1", "clean") == Output(_LARGE, "json")
            assert list(store.read_logs("r1")) == [self._record] * 50
            assert store.get_run("r2").resumed_from == "r1"
            reused = [Output(_LARGE, "json")]
            assert [output for _, output in store.read_outputs("r2", ["clean"])] == reused
            found = store.find_cached("key clean")
            assert found is not None
            assert found[1] == reused[0]
        with closing(sqlite3.connect(self.directory / "dagy.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    def _succeed(self, task_id: str, data: bytes) -> list[TaskTransition]:
        return [
            TaskTransition(task_id, TaskStatus.RUNNING, self._at(2), attempt=1),
            TaskTransition(
                task_id,
                TaskStatus.SUCCEEDED,
                self._at(3),
                output=Output(data, "json"),
                cache_key=f"key {task_id}",
            ),
        ]

    def _reuse(self, task_id: str) -> TaskTransition:
        origin = Origin("r1", task_id, ReuseReason.RESUMED)
        return TaskTransition(task_id, TaskStatus.SUCCEEDED, self._at(4), origin=origin)


@pytest.fixture
def session(
    spec: FlowSpec, new_run: NewRun, log_record: MakeRecord, at: At
) -> Callable[[Path], _Session]:
    return lambda directory: _Session(directory, new_run(), spec, log_record("said"), at)


class _FaultyDisk:
    """Counts the calls of the system that the package makes; one of them fails."""

    _CALLS = ("open", "write", "fsync", "mkdir", "replace", "unlink", "ftruncate", "stat", "fstat")

    def __init__(self, patch: pytest.MonkeyPatch, *, fails_at: int, number: int) -> None:
        self.calls = 0
        self._fails_at = fails_at
        self._errno = number
        for name in self._CALLS:
            patch.setattr(os, name, self._failing(getattr(os, name)))
        flock = self._failing(fcntl.flock)
        release = fcntl.flock  # releasing a lock does not touch the disk
        patch.setattr(
            fcntl,
            "flock",
            lambda descriptor, how: (release if how == fcntl.LOCK_UN else flock)(descriptor, how),
        )

    @property
    def has_failed(self) -> bool:
        return self.calls >= self._fails_at

    def _failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._fails_at:
                raise OSError(self._errno, os.strerror(self._errno))
            return call(*arguments, **options)

        return counted


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_one_failing_call_anywhere_costs_one_retry_at_most(
    tmp_path: Path, session: Callable[[Path], _Session], number: int
) -> None:
    """STORE-11: each call of the system fails once, in a session of its own."""
    for fails_at in range(1, _MORE_THAN_ALL_POINTS):
        faulty = session(tmp_path / str(fails_at))
        errors = 0
        for step in faulty.steps():
            with pytest.MonkeyPatch.context() as patch:
                disk = _FaultyDisk(patch, fails_at=fails_at, number=number)
                try:
                    step()
                    is_done = True
                except StoreError:
                    is_done = False
            fails_at -= disk.calls  # what is left for the steps to come
            if not is_done:
                errors += 1
                step()
        faulty.close()
        faulty.check()
        assert errors <= 1
        if fails_at > 0:  # the session had fewer calls than that
            break
    else:
        pytest.fail("the session never ends")


@pytest.mark.parametrize("first", [0, 2000])
def test_a_disk_that_is_full_at_any_size_costs_retries_and_nothing_more(
    tmp_path: Path, session: Callable[[Path], _Session], disk_with_room_for: Limit, first: int
) -> None:
    """STORE-11"""
    errors = []
    for size in range(first, 140_000, 4096):
        full = session(tmp_path / str(size))
        count = 0
        for step in full.steps():
            try:
                with disk_with_room_for(size):
                    step()
            except StoreError:
                count += 1
                step()
        full.check()
        errors.append(count)
    assert errors[0] >= 4
    assert errors[-1] == 0


# Read-only places and places that vanish


def _in_a_child_that_may_not_write(action: Callable[[], None]) -> int:
    def act() -> None:
        if os.getuid() == 0:  # whom no mode keeps out
            os.setgid(65534)
            os.setuid(65534)
        action()

    process = _FORK.Process(target=act)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that everybody can find; those of pytest are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("is_open_elsewhere", [False, True])
def test_a_store_in_a_read_only_directory_can_be_read(
    open_place: Path, spec: FlowSpec, new_run: NewRun, at: At, is_open_elsewhere: bool
) -> None:
    """STORE-11"""
    directory = open_place / "dagy"
    store = LocalMetadataStore(directory)
    store.create_run(new_run(), spec)
    store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
    if not is_open_elsewhere:
        store.close()
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def read_only() -> None:
        with LocalMetadataStore(directory) as reader:
            for _ in range(2):
                assert reader.get_run("r1").status is RunStatus.SUCCEEDED
            assert len(reader.list_task_runs("r1")) == 4
            with pytest.raises(StoreError, match="cannot be"):
                reader.create_run(new_run("r2"), spec)

    try:
        assert _in_a_child_that_may_not_write(read_only) == 0
    finally:
        for path in [directory, *directory.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        store.close()


def test_a_closed_store_on_a_full_disk_can_be_read_and_written_once_there_is_room(
    directory: Path, spec: FlowSpec, new_run: NewRun, at: At, disk_with_room_for: Limit
) -> None:
    """STORE-11"""
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), spec)
        store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
    with disk_with_room_for(1000):
        store = LocalMetadataStore(directory)
        assert store.get_run("r1").status is RunStatus.SUCCEEDED
        assert [run.run_id for run in store.list_runs(limit=5)] == ["r1"]
        with pytest.raises(StoreError):
            store.create_run(new_run("r2"), spec)
    store.create_run(new_run("r2"), spec)
    assert store.get_run("r2") == new_run("r2")
    store.close()


def test_a_directory_that_comes_back_is_used_again(
    directory: Path, session: Callable[[Path], _Session]
) -> None:
    """STORE-11: a disk that is unmounted during a run, and mounted again."""
    away = directory.with_name("away")
    coming_and_going = session(directory)
    first, *rest = coming_and_going.steps()
    first()
    for step in rest:
        directory.rename(away)
        try:
            step()
            is_done = True
        except (StoreError, ArtifactError):
            is_done = False
        if directory.exists():
            shutil.rmtree(directory)
        away.rename(directory)
        if not is_done:
            step()
    coming_and_going.check()


# Who is in the way


def _hold_the_lock(directory: Path, ready: Any, done: Any) -> None:
    lock = FileLock(directory / "dagy.db.lock", timeout_seconds=0)
    with lock:
        ready.set()
        done.wait()
    lock.close()


def test_a_store_that_stays_busy_says_who_holds_it(
    directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    """STORE-06"""
    with LocalMetadataStore(directory, busy_timeout_seconds=0.01) as store:
        store.create_run(new_run(), spec)
        ready, done = _FORK.Event(), _FORK.Event()
        holder = _FORK.Process(target=_hold_the_lock, args=(directory, ready, done))
        holder.start()
        ready.wait()
        writes: list[Callable[[], None]] = [
            lambda: store.create_run(new_run("r2"), spec),
            lambda: store.record_tasks("r1", [TaskTransition("load", TaskStatus.SKIPPED, at(2))]),
            lambda: store.finish_run("r1", RunEnd(status=RunStatus.FAILED, ended_at=at(9))),
        ]
        for write in writes:
            with pytest.raises(StoreBusyError) as caught:
                write()
            assert caught.value.hint is not None
            if Path("/proc/locks").exists():
                assert f"process {holder.pid} (" in caught.value.message
        done.set()
        holder.join()
        for write in writes:
            write()


# Broken stores


def _database(*statements: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        with closing(sqlite3.connect(directory / "dagy.db", isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


def _overwrite(name: str, content: bytes, *, at: int = 0) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT)
        os.pwrite(descriptor, content, at)
        os.close(descriptor)

    return change


def _replace_by_directory(name: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
            path.write_text("a file in the place of a directory")
        else:
            path.unlink()
            path.mkdir()

    return change


_BREAKS: dict[str, Callable[[Path], None]] = {
    "no directory": shutil.rmtree,
    "no database": lambda directory: (directory / "dagy.db").unlink(),
    "no file any more": lambda directory: os.truncate(directory / "dagy.db", 5000),
    "no header": _overwrite("dagy.db", b"My notes.\n" * 50),
    "no pages": _overwrite("dagy.db", b"\xa5" * 30_000, at=4096),
    "noise in the log of SQLite": _overwrite("dagy.db-wal", b"\xa5" * 30_000, at=20),
    "database is a directory": _replace_by_directory("dagy.db"),
    "lock is a directory": _replace_by_directory("dagy.db.lock"),
    "runs is a file": _replace_by_directory("runs"),
    "run is a file": _replace_by_directory("runs/r1"),
    "log is a directory": _replace_by_directory("runs/r1/log.jsonl"),
    "output is a directory": _replace_by_directory("artifacts/r1/clean/output"),
    "noise in the log": _overwrite("runs/r1/log.jsonl", b"\xff\x00{}\n"),
    "no tables": _database("DROP TABLE task_runs", "DROP TABLE runs"),
    "no columns": _database("ALTER TABLE runs RENAME COLUMN error TO mistake"),
    "no spec": _database("UPDATE flow_specs SET spec = '{'"),
    "no parameters": _database("UPDATE runs SET parameters = '{'"),
    "no environment": _database("UPDATE runs SET environment = '{'"),
    "no cache": _database("DROP TABLE cache"),
    "no spec any more": _database("DELETE FROM flow_specs"),
    "no such time": _database(
        "UPDATE runs SET created_at = 9223372036854775807",
        "UPDATE task_runs SET started_at = 9223372036854775807",
    ),
}


def _use_all_methods(store: LocalMetadataStore, calls: list[Any]) -> list[str]:
    """Call everything, whatever the call before did; return the names of what was refused."""
    refused = []
    for name, call in calls:
        try:
            call(store)
        except DagyError as error:
            assert "\n" not in error.message
            refused.append(name)
    store.close()
    return refused


@pytest.mark.parametrize("how", _BREAKS)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_broken_store_raises_errors_of_dagy_from_every_method(
    directory: Path,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
    how: str,
    is_open: bool,
) -> None:
    """STORE-06: no sqlite3.Error, OSError or ValueError, whatever became of the files."""
    begin = TaskTransition("extract", TaskStatus.RUNNING, at(2), attempt=1)
    large = [
        TaskTransition("clean", TaskStatus.RUNNING, at(2), attempt=1),
        TaskTransition(
            "clean",
            TaskStatus.SUCCEEDED,
            at(3),
            output=Output(_LARGE, "json"),
            cache_key="key",
        ),
    ]
    store = LocalMetadataStore(directory, busy_timeout_seconds=0.01)
    store.create_run(new_run(), spec)
    store.record_tasks("r1", [begin, *large])
    store.append_logs("r1", [log_record("one")])
    if not is_open:
        store.close()
    _BREAKS[how](directory)
    calls: list[tuple[str, Callable[[LocalMetadataStore], object]]] = [
        ("list_runs", lambda store: store.list_runs(limit=5)),
        ("get_run", lambda store: store.get_run("r1")),
        ("list_task_runs", lambda store: store.list_task_runs("r1")),
        ("read_logs", lambda store: list(store.read_logs("r1"))),
        ("read_task_logs", lambda store: list(store.read_logs("r1", task="clean"))),
        ("get_flow_spec", lambda store: store.get_flow_spec("r1")),
        ("read_output", lambda store: store.read_output("r1", "clean")),
        ("read_outputs", lambda store: list(store.read_outputs("r1", ["extract", "clean"]))),
        ("find_cached", lambda store: store.find_cached("key")),
        ("record_tasks", lambda store: store.record_tasks("r1", large)),
        ("append_logs", lambda store: store.append_logs("r1", [log_record("two")])),
        (
            "finish_run",
            lambda store: store.finish_run("r1", RunEnd(status=RunStatus.FAILED, ended_at=at(9))),
        ),
        ("create_run", lambda store: store.create_run(new_run("r2"), spec)),
        ("resume", lambda store: store.create_run(new_run("r3", resumed_from="r1"), spec)),
    ]
    try:
        opened = store if is_open else LocalMetadataStore(directory)
    except StoreError:
        return
    refused = _use_all_methods(opened, calls)
    assert "record_tasks" in refused  # it was done before, or the store is not what it was
