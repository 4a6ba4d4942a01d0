from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone

import pytest

from dagy_types import Run, RunStatus, TaskRun, TaskStatus

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def a_run(*, started_at: datetime | None = None, ended_at: datetime | None = None) -> Run:
    return Run(
        run_id="r1",
        flow_name="daily",
        flow_version="latest",
        status=RunStatus.RUNNING,
        created_at=NOON,
        started_at=started_at,
        ended_at=ended_at,
    )


def a_task_run(*, started_at: datetime | None = None, ended_at: datetime | None = None) -> TaskRun:
    return TaskRun(
        run_id="r1",
        task_id="load",
        name="load",
        status=TaskStatus.RUNNING,
        started_at=started_at,
        ended_at=ended_at,
    )


@pytest.mark.parametrize("make", [a_run, a_task_run])
def test_a_duration_is_in_seconds(make: Callable[..., Run | TaskRun]) -> None:
    record = make(started_at=NOON, ended_at=NOON + timedelta(minutes=1, milliseconds=500))
    assert record.duration_seconds == 60.5


@pytest.mark.parametrize("make", [a_run, a_task_run])
def test_there_is_no_duration_before_start_and_end_are_known(
    make: Callable[..., Run | TaskRun],
) -> None:
    assert make().duration_seconds is None
    assert make(started_at=NOON).duration_seconds is None
    assert make(ended_at=NOON).duration_seconds is None


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        a_run().status = RunStatus.FAILED  # type: ignore[misc]  # the point


def test_runs_do_not_share_their_parameters() -> None:
    assert a_run().parameters is not a_run().parameters
