from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_server.task_states import TaskReport, advance, pending, require_child
from dagy_types import (
    TASK_TRANSITIONS,
    Origin,
    ReuseReason,
    TaskRun,
    TaskSpec,
    TaskStatus,
)
from dagy_types.errors import ConflictError, NotFoundError

_NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
_MAPPED = TaskSpec(task_id="part", name="part", depends_on=("load",), is_mapped=True)
_ORIGIN = Origin("abcdefghijkl", "load", ReuseReason.RESUMED)


def _task(status: TaskStatus = TaskStatus.PENDING, **values: Any) -> TaskRun:
    return TaskRun(run_id="r", task_id="load", name="load", status=status, **values)


def test_a_started_task_has_its_attempt_and_its_start() -> None:
    started = advance(_task(), TaskReport(status=TaskStatus.RUNNING), at=_NOW)
    assert started == _task(TaskStatus.RUNNING, attempt=1, started_at=_NOW)


def test_an_ended_task_keeps_its_start() -> None:
    running = _task(TaskStatus.RUNNING, attempt=1, started_at=_NOW)
    report = TaskReport(status=TaskStatus.SUCCEEDED, output_bytes=5)
    later = _NOW + timedelta(seconds=1)
    assert advance(running, report, at=later) == replace(
        running, status=TaskStatus.SUCCEEDED, ended_at=later, output_bytes=5
    )


def test_what_a_report_says_goes_before_what_follows_by_itself() -> None:
    running = _task(TaskStatus.RUNNING, attempt=1, started_at=_NOW)
    end = _NOW - timedelta(seconds=3)
    report = TaskReport(
        status=TaskStatus.FAILED, attempt=1, started_at=end, ended_at=end, error="x"
    )
    failed = advance(running, report, at=_NOW)
    assert (failed.started_at, failed.ended_at, failed.error) == (end, end, "x")


def test_a_retry_forgets_how_the_attempt_before_it_ended() -> None:
    failed = _task(TaskStatus.FAILED, attempt=1, started_at=_NOW, ended_at=_NOW, error="x")
    again = advance(failed, TaskReport(status=TaskStatus.RUNNING), at=_NOW)
    assert again == _task(TaskStatus.RUNNING, attempt=2, started_at=_NOW)


def test_only_a_success_has_an_output() -> None:
    running = _task(TaskStatus.RUNNING, attempt=1, started_at=_NOW)
    report = TaskReport(status=TaskStatus.FAILED, output_bytes=5)
    assert advance(running, report, at=_NOW).output_bytes is None


@pytest.mark.parametrize("attempt", [0, 1])
def test_a_retry_has_a_new_number(attempt: int) -> None:
    failed = _task(TaskStatus.FAILED, attempt=1, started_at=_NOW, ended_at=_NOW)
    with pytest.raises(ConflictError, match="cannot start attempt"):
        advance(failed, TaskReport(status=TaskStatus.RUNNING, attempt=attempt), at=_NOW)


def test_an_attempt_that_is_not_under_way_cannot_end() -> None:
    running = _task(TaskStatus.RUNNING, attempt=2, started_at=_NOW)
    with pytest.raises(ConflictError, match="is in attempt 2"):
        advance(running, TaskReport(status=TaskStatus.FAILED, attempt=1), at=_NOW)


def test_a_task_that_never_ran_succeeds_with_the_output_of_another_only() -> None:
    report = TaskReport(status=TaskStatus.SUCCEEDED, origin=_ORIGIN)
    assert advance(_task(), report, at=_NOW) == _task(
        TaskStatus.SUCCEEDED, ended_at=_NOW, origin=_ORIGIN
    )
    with pytest.raises(ConflictError, match="it can succeed with"):
        advance(_task(), TaskReport(status=TaskStatus.SUCCEEDED), at=_NOW)


@pytest.mark.parametrize(
    ("before", "status"),
    [
        (_task(TaskStatus.RUNNING, attempt=1, started_at=_NOW), TaskStatus.SUCCEEDED),
        (_task(), TaskStatus.RUNNING),
        (_task(), TaskStatus.SKIPPED),
    ],
)
def test_a_task_that_runs_has_no_other_origin(before: TaskRun, status: TaskStatus) -> None:
    with pytest.raises(ConflictError, match="with the output of another task"):
        advance(before, TaskReport(status=status, origin=_ORIGIN), at=_NOW)


@given(st.sampled_from(TaskStatus), st.sampled_from(TaskStatus))
def test_no_status_follows_that_may_not(before: TaskStatus, after: TaskStatus) -> None:
    is_reuse = (before, after) == (TaskStatus.PENDING, TaskStatus.SUCCEEDED)
    report = TaskReport(status=after, origin=_ORIGIN if is_reuse else None)
    task = _task(before)
    if after in TASK_TRANSITIONS[before]:
        assert advance(task, report, at=_NOW).status is after
    elif before is after:
        assert advance(task, report, at=_NOW) is task
    else:
        with pytest.raises(ConflictError, match=f"is {before} and cannot become {after}"):
            advance(task, report, at=_NOW)


_REPORTS = [
    TaskReport(status=TaskStatus.RUNNING, attempt=1, started_at=_NOW, map_size=3),
    TaskReport(status=TaskStatus.SUCCEEDED, attempt=1, started_at=_NOW, ended_at=_NOW),
]


def test_a_report_that_is_sent_twice_changes_nothing() -> None:
    task = _task()
    for report in _REPORTS:
        once = advance(task, report, at=_NOW, is_mapped=True)
        assert advance(once, report, at=_NOW + timedelta(hours=1), is_mapped=True) == once
        task = once


def test_a_report_that_says_something_else_of_the_same_status_is_refused() -> None:
    ended = _task(TaskStatus.FAILED, attempt=1, started_at=_NOW, ended_at=_NOW, error="x")
    with pytest.raises(ConflictError, match="FAILED and cannot become FAILED"):
        advance(ended, TaskReport(status=TaskStatus.FAILED, error="y"), at=_NOW)


def test_a_mapped_task_tells_once_how_many_children_it_has() -> None:
    report = TaskReport(status=TaskStatus.RUNNING, map_size=2)
    running = advance(_task(), report, at=_NOW, is_mapped=True)
    assert running.map_size == 2
    failed = advance(running, TaskReport(status=TaskStatus.FAILED), at=_NOW, is_mapped=True)
    again = advance(failed, report, at=_NOW, is_mapped=True)
    assert again.map_size == 2
    with pytest.raises(ConflictError, match="cannot have 3 children"):
        advance(failed, replace(report, map_size=3), at=_NOW, is_mapped=True)
    with pytest.raises(ConflictError, match="cannot have 2 children"):
        advance(_task(), report, at=_NOW)


def test_a_child_changes_while_its_mapped_task_runs() -> None:
    parent = pending("r", _MAPPED, "part")
    with pytest.raises(ConflictError, match="'part' is PENDING"):
        require_child("part[0]", parent)
    running = replace(parent, status=TaskStatus.RUNNING, map_size=2)
    require_child("part[1]", running)
    for task_id in ("part[2]", "part"):
        with pytest.raises(NotFoundError, match="has no task"):
            require_child(task_id, running)
