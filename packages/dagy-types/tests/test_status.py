from __future__ import annotations

import json

import pytest

from dagy_types import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    RunStatus,
    TaskStatus,
)


def test_run_states_are_the_published_ones() -> None:
    assert [str(status) for status in RunStatus] == [
        "QUEUED",
        "RUNNING",
        "SUCCEEDED",
        "FAILED",
        "CANCELLED",
    ]


def test_task_states_are_the_published_ones() -> None:
    assert [str(status) for status in TaskStatus] == [
        "PENDING",
        "RUNNING",
        "SUCCEEDED",
        "FAILED",
        "SKIPPED",
        "TIMED_OUT",
        "CANCELLED",
    ]


def test_every_state_has_its_row_of_transitions() -> None:
    assert set(RUN_TRANSITIONS) == set(RunStatus)
    assert set(TASK_TRANSITIONS) == set(TaskStatus)


def test_a_run_ends_in_exactly_three_states() -> None:
    terminal = {status for status in RunStatus if status.is_terminal}
    assert terminal == {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}


def test_a_task_is_finished_unless_an_attempt_is_due_or_under_way() -> None:
    unfinished = {status for status in TaskStatus if not status.is_finished}
    assert unfinished == {TaskStatus.PENDING, TaskStatus.RUNNING}


@pytest.mark.parametrize("status", list(TaskStatus))
def test_only_a_failed_or_timed_out_task_runs_again(status: TaskStatus) -> None:
    may_run_again = status.is_finished and TaskStatus.RUNNING in TASK_TRANSITIONS[status]
    assert may_run_again == (status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT))


@pytest.mark.parametrize("status", [TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.TIMED_OUT])
def test_a_task_gets_an_outcome_only_by_running(status: TaskStatus) -> None:
    before = {start for start, followers in TASK_TRANSITIONS.items() if status in followers}
    assert before == {TaskStatus.RUNNING}


@pytest.mark.parametrize("name", [*RunStatus, *TaskStatus, *FailureReason])
def test_a_state_is_its_own_text(name: RunStatus | TaskStatus | FailureReason) -> None:
    assert name == name.value
    assert f"{name}" == name.value
    assert json.loads(json.dumps(name)) == name.value


def test_a_state_is_read_back_from_its_text() -> None:
    assert RunStatus("RUNNING") is RunStatus.RUNNING
    with pytest.raises(ValueError, match="PAUSED"):
        RunStatus("PAUSED")
