"""What readers are told when they find a crash and cannot record it (STORE-11)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import LocalMetadataStore
from dagy_store._file_lock import FileLock
from dagy_types import (
    FailureReason,
    FlowSpec,
    Run,
    RunEnd,
    RunOrder,
    RunQuery,
    RunStatus,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import StoreError, StoreVersionError

NewRun = Callable[..., Run]
At = Callable[[float], datetime]
Limit = Callable[[int], AbstractContextManager[None]]

_Obstacle = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(params=["full", "busy", "unwritable", "newer"])
def obstacle(request: pytest.FixtureRequest, disk_with_room_for: Limit) -> _Obstacle:
    """Keeps a store that is open already from recording anything."""

    @contextmanager
    def in_the_way(directory: Path) -> Iterator[None]:
        lock_file = directory / "dagy.db.lock"
        if request.param == "full":
            with disk_with_room_for(1000):
                yield
        elif request.param == "busy":
            lock = FileLock(lock_file, timeout_seconds=0)
            with lock:
                yield
            lock.close()
        elif request.param == "unwritable":
            lock_file.unlink()
            lock_file.mkdir()
            yield
            lock_file.rmdir()
        else:
            _set_version(directory, 7)
            yield
            _set_version(directory, 1)

    return in_the_way


def _set_version(directory: Path, version: int) -> None:
    """Make the store one that says: a later release wrote me, and this one can read me."""
    with closing(sqlite3.connect(directory / "dagy.db", isolation_level=None)) as connection:
        connection.execute("UPDATE store SET version = ?", (version,))
        connection.execute(f"PRAGMA user_version = {version}")


def _crash(store: LocalMetadataStore, run: Run, spec: FlowSpec, at: At) -> Run:
    """Leave a run as a killed process would; return it as it should be shown."""
    store.create_run(run, spec)
    store.record_tasks(
        run.run_id,
        [
            TaskTransition("extract", TaskStatus.RUNNING, at(2), attempt=1),
            TaskTransition("extract", TaskStatus.SUCCEEDED, at(3)),
            TaskTransition("clean", TaskStatus.RUNNING, at(4), attempt=1),
        ],
    )
    store._live.pop(run.run_id).drop()
    return replace(
        run,
        status=RunStatus.FAILED,
        reason=FailureReason.CRASHED,
        error="The process that ran it ended without recording an end.",
        ended_at=at(4),
    )


def _recorded(directory: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(directory / "dagy.db")) as connection:
        return set(connection.execute("SELECT run_id, status FROM runs"))


def test_a_crash_that_cannot_be_recorded_is_told_and_recorded_later(
    directory: Path, obstacle: _Obstacle, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    with LocalMetadataStore(directory, busy_timeout_seconds=0) as store:
        crashed = _crash(store, new_run("crashed"), spec, at)
        store.create_run(new_run("alive"), spec)
        alive = store._live.pop("alive")  # another store's, for all that this one knows
        with obstacle(directory):
            for _ in range(2):
                assert store.get_run("crashed") == crashed
                assert store.get_run("alive") == new_run("alive")
                assert store.list_runs(limit=5) == [crashed, new_run("alive")]
                assert store.list_runs(RunQuery(status=RunStatus.FAILED), limit=1) == [crashed]
                assert store.list_runs(RunQuery(status=RunStatus.RUNNING), limit=1) == [
                    new_run("alive")
                ]
                tasks = store.list_task_runs("crashed")
                assert [(task.status, task.ended_at) for task in tasks] == [
                    (TaskStatus.SUCCEEDED, at(3)),
                    (TaskStatus.FAILED, at(4)),
                    (TaskStatus.PENDING, None),
                    (TaskStatus.PENDING, None),
                ]
                assert list(store.read_logs("crashed", follow=True)) == []
                assert store.read_output("crashed", "extract") is None
            with pytest.raises(StoreError):
                store.create_run(new_run("r2"), spec)
        assert _recorded(directory) == {("crashed", "RUNNING"), ("alive", "RUNNING")}
        assert store.get_run("crashed") == crashed
        assert _recorded(directory) == {("crashed", "FAILED"), ("alive", "RUNNING")}
        alive.end()


def test_lists_with_unrecorded_crashes_equal_those_with_recorded_ones(
    directory: Path, obstacle: _Obstacle, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    with LocalMetadataStore(directory, busy_timeout_seconds=0) as store:
        for number in range(9):
            run = new_run(
                f"r{number}",
                flow_name="daily" if number % 2 else "hourly",
                created_at=at(number // 2),
                started_at=None,
            )
            if number % 3:
                store.create_run(run, spec)
                store.finish_run(run.run_id, RunEnd(status=RunStatus.FAILED, ended_at=at(9)))
            else:
                _crash(store, run, spec, at)

        def lists() -> list[list[str]]:
            return [
                [
                    run.run_id
                    for run in store.list_runs(
                        RunQuery(
                            status=status,
                            flow_name=flow_name,
                            since=since,
                            order=order,
                            after=after,
                        ),
                        limit=limit,
                    )
                ]
                for limit in (0, 1, 3, 20)
                for status in (None, RunStatus.FAILED, RunStatus.RUNNING)
                for flow_name in (None, "daily", "weekly")
                for since in (None, at(2))
                for order in (RunOrder.CREATED, RunOrder.CREATED_DESCENDING)
                for after in (None, "r4", "r6")
            ]

        with obstacle(directory):
            unrecorded = lists()
            assert ("r0", "RUNNING") in _recorded(directory)
        assert lists() == unrecorded
        assert ("r0", "FAILED") in _recorded(directory)


def test_a_newer_store_that_can_be_read_is_read_and_left_alone(
    directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    """STORE-09"""
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), spec)
        store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
        store.create_run(new_run("crashed"), spec)
    _set_version(directory, 7)
    before = (directory / "dagy.db").read_bytes()
    with LocalMetadataStore(directory) as store:
        assert store.get_run("r1").status is RunStatus.SUCCEEDED
        assert store.get_run("crashed").reason is FailureReason.CRASHED
        assert [run.run_id for run in store.list_runs(limit=5)] == ["r1", "crashed"]
        assert len(store.list_task_runs("r1")) == 4
        with pytest.raises(StoreVersionError, match="This one can read it, not write it"):
            store.create_run(new_run("r2"), spec)
    assert (directory / "dagy.db").read_bytes() == before
