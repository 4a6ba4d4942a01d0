from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import _runs, _task_runs
from dagy_store._crash import CRASH_MESSAGE, record_crash
from dagy_store._database import Database
from dagy_store._task_states import TaskStates
from dagy_types import FailureReason, FlowSpec, Run, RunEnd, RunStatus, TaskStatus, TaskTransition

NewRun = Callable[..., Run]
At = Callable[[float], datetime]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "dagy.db", busy_timeout_seconds=1, sleep=time.sleep)
    yield database
    database.close()


def _crash(
    database: Database, run: Run, spec: FlowSpec, transitions: list[TaskTransition]
) -> Run | None:
    with database.transaction() as connection:
        _runs.insert(connection, run, spec)
        batch = TaskStates(run.run_id, spec).advance(transitions)
        _task_runs.record(connection, run.run_id, batch)
        record_crash(connection, run.run_id)
    return _runs.find(database, run.run_id)


def test_a_crashed_run_fails_at_its_last_sign_of_life_with_what_was_running(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    transitions = [
        TaskTransition("extract", TaskStatus.RUNNING, at(2), attempt=1),
        TaskTransition("extract", TaskStatus.SUCCEEDED, at(3)),
        TaskTransition("clean", TaskStatus.RUNNING, at(4), attempt=1),
        TaskTransition("clean-2", TaskStatus.RUNNING, at(4), attempt=1),
        TaskTransition("clean-2", TaskStatus.FAILED, at(7), error="No such column."),
    ]
    assert _crash(database, new_run(), spec, transitions) == new_run(
        status=RunStatus.FAILED,
        reason=FailureReason.CRASHED,
        error=CRASH_MESSAGE,
        ended_at=at(7),
    )
    tasks = {task.task_id: task for task in _task_runs.of_run(database, "r1", spec)}
    assert {
        task_id: (task.status, task.ended_at, task.error) for task_id, task in tasks.items()
    } == {
        "extract": (TaskStatus.SUCCEEDED, at(3), None),
        "clean": (TaskStatus.FAILED, at(7), CRASH_MESSAGE),
        "clean-2": (TaskStatus.FAILED, at(7), "No such column."),
        "load": (TaskStatus.PENDING, None, None),
    }


def test_a_skipped_task_is_a_sign_of_life_too(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    crashed = _crash(database, new_run(), spec, [TaskTransition("load", TaskStatus.SKIPPED, at(5))])
    assert crashed is not None
    assert crashed.ended_at == at(5)


@pytest.mark.parametrize(("started", "ended"), [(None, 0), (3, 3)])
def test_a_run_without_tasks_ends_when_it_was_made_or_started(
    database: Database,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    started: float | None,
    ended: float,
) -> None:
    started_at = None if started is None else at(started)
    run = new_run(status=RunStatus.QUEUED, started_at=started_at)
    crashed = _crash(database, run, spec, [])
    assert crashed is not None
    assert crashed.status is RunStatus.FAILED
    assert crashed.ended_at == at(ended)


def test_a_run_that_ended_in_the_meantime_keeps_its_end(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    with database.transaction() as connection:
        _runs.insert(connection, new_run(), spec)
        _runs.end(connection, "r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
        record_crash(connection, "r1")
    assert _runs.find(database, "r1") == new_run(status=RunStatus.SUCCEEDED, ended_at=at(9))
