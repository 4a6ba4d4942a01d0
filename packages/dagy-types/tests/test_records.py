from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone

import pytest

from dagy_types import (
    Origin,
    Output,
    ReuseReason,
    Run,
    RunStatus,
    TaskRun,
    TaskStatus,
    TaskTransition,
)

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
    assert a_run().environment is not a_run().environment


@pytest.mark.parametrize(
    "record", [a_task_run(), TaskTransition("load", TaskStatus.SUCCEEDED, NOON)]
)
def test_a_task_is_neither_mapped_nor_reused_unless_that_is_said(
    record: TaskRun | TaskTransition,
) -> None:
    assert record.map_size is None
    assert record.origin is None


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Origin("r0", "load", ReuseReason.CACHED), "task_id"),
        (Output(b"1", "json"), "data"),
        (TaskTransition("load", TaskStatus.RUNNING, NOON), "map_size"),
    ],
)
def test_no_part_of_a_record_can_be_changed(value: object, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, name, getattr(value, name))
    assert not hasattr(value, "__dict__")


def test_origins_are_equal_when_they_name_the_same_output() -> None:
    origins = [Origin("r0", "load", ReuseReason.CACHED) for _ in range(2)]
    assert origins[0] == origins[1]
    assert len({*origins, Origin("r0", "load", ReuseReason.RESUMED)}) == 2
