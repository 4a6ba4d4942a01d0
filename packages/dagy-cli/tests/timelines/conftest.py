"""Fixtures: the records of a run, second by second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy_types import Run, RunStatus, TaskRun, TaskStatus

START = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


@pytest.fixture
def at() -> Callable[[float], datetime]:
    """Return the moment so many seconds after the start of the run."""
    return lambda seconds: START + timedelta(seconds=seconds)


@pytest.fixture
def task_run(at: Callable[[float], datetime]) -> Callable[..., TaskRun]:
    """Make a task run from the seconds at which it started and ended."""

    def make(
        task_id: str,
        start: float | None,
        end: float | None,
        status: TaskStatus = TaskStatus.SUCCEEDED,
        **more: Any,
    ) -> TaskRun:
        return TaskRun(
            run_id="r1",
            task_id=task_id,
            name=more.pop("name", task_id),
            status=status,
            attempt=0 if start is None else 1,
            started_at=None if start is None else at(start),
            ended_at=None if end is None else at(end),
            **more,
        )

    return make


@pytest.fixture
def run() -> Run:
    """A run that has not ended."""
    return Run(
        run_id="r1",
        flow_name="daily",
        flow_version="latest",
        status=RunStatus.RUNNING,
        created_at=START,
        started_at=START,
    )


@pytest.fixture
def task_runs(task_run: Callable[..., TaskRun]) -> list[TaskRun]:
    """A failure, a success, one that runs and one that waits."""
    return [
        task_run("report", 4, 6, TaskStatus.FAILED, error="Boom <1>"),
        task_run("load", 0, 4),
        task_run("check", 5, None, TaskStatus.RUNNING, name="check it"),
        task_run("later", None, None, TaskStatus.PENDING),
    ]
