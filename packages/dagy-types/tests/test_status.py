from __future__ import annotations

import copy
import json
import pickle

import pytest

from dagy_types import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    FlowStatus,
    HealthStatus,
    ReuseReason,
    Role,
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


def _before(status: TaskStatus) -> set[TaskStatus]:
    return {start for start, followers in TASK_TRANSITIONS.items() if status in followers}


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.TIMED_OUT])
def test_a_task_fails_only_by_running(status: TaskStatus) -> None:
    assert _before(status) == {TaskStatus.RUNNING}


def test_a_task_succeeds_by_running_or_by_the_output_of_another() -> None:
    assert _before(TaskStatus.SUCCEEDED) == {TaskStatus.RUNNING, TaskStatus.PENDING}


@pytest.mark.parametrize("status", [TaskStatus.SKIPPED, TaskStatus.CANCELLED])
def test_a_task_that_has_not_started_can_be_left_out(status: TaskStatus) -> None:
    assert TaskStatus.PENDING in _before(status)
    assert TASK_TRANSITIONS[status] == frozenset()


def test_reasons_are_the_published_ones() -> None:
    assert [str(reason) for reason in FailureReason] == ["crashed", "timed_out"]
    assert [str(reason) for reason in ReuseReason] == ["resumed", "cached"]


@pytest.mark.parametrize("name", [*RunStatus, *TaskStatus, *FailureReason, *ReuseReason])
def test_a_state_is_its_own_text(
    name: RunStatus | TaskStatus | FailureReason | ReuseReason,
) -> None:
    assert name == name.value
    assert f"{name}" == name.value
    assert json.loads(json.dumps(name)) == name.value


def test_a_state_is_read_back_from_its_text() -> None:
    assert RunStatus("RUNNING") is RunStatus.RUNNING
    with pytest.raises(ValueError, match="PAUSED"):
        RunStatus("PAUSED")


def test_a_state_of_a_newer_server_prints_itself() -> None:
    paused = RunStatus.of("PAUSED")
    assert isinstance(paused, RunStatus)
    assert (str(paused), f"{paused}", paused.value) == ("PAUSED", "PAUSED", "PAUSED")
    assert paused == "PAUSED" == RunStatus.of("PAUSED")
    assert not paused.is_known
    assert paused not in list(RunStatus)


def test_a_state_that_is_known_is_given_as_the_member_that_it_is() -> None:
    assert RunStatus.of("RUNNING") is RunStatus.RUNNING
    assert RunStatus.RUNNING.is_known


def test_nobody_takes_an_unknown_state_for_an_end() -> None:
    assert not RunStatus.of("PAUSED").is_terminal
    assert not TaskStatus.of("PAUSED").is_finished


@pytest.mark.parametrize("status", [RunStatus.of("PAUSED"), RunStatus.FAILED])
def test_a_state_survives_a_copy_and_a_pickle(status: RunStatus) -> None:
    for twin in (pickle.loads(pickle.dumps(status)), copy.deepcopy(status)):
        assert type(twin) is RunStatus
        assert twin == status
        assert (twin is status) or not status.is_known


def test_the_words_of_servers_are_the_published_ones() -> None:
    assert [str(status) for status in FlowStatus] == ["ACTIVE", "INACTIVE"]
    assert [str(role) for role in Role] == ["owner", "admin", "developer", "viewer"]
    assert [str(status) for status in HealthStatus] == ["healthy", "degraded", "unhealthy"]
