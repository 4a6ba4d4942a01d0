"""`Task.run_if` and `Task.skip_if`: whether a task runs, decided by what another one returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagy import flow, task
from dagy_types import RunStatus
from dagy_types.errors import FlowDefinitionError


@task
def give(value: Any) -> Any:
    return value


@task
def work(value: Any = "done") -> Any:
    return value


@task
def fail() -> None:
    raise ValueError("no")


def run(trial: Any, body: Callable[[], Any], **options: Any) -> Any:
    return trial.run(flow(name="f")(body), **options)


TRUE = [1, "x", [0], {"a": 0}, 0.5, True]
FALSE = [0, "", [], {}, 0.0, False, None]


@pytest.mark.parametrize("value", TRUE)
def test_a_true_value_lets_run_if_run_and_skip_if_skip(trial: Any, value: Any) -> None:
    def body() -> Any:
        decides = give(value)
        return work.run_if(decides)("ran"), work.skip_if(decides)("ran")

    assert run(trial, body).result() == ("ran", None)
    assert trial.errors["work-2"] == "skip_if: what 'give' returned is true."


@pytest.mark.parametrize("value", FALSE)
def test_a_false_value_lets_skip_if_run_and_run_if_skip(trial: Any, value: Any) -> None:
    def body() -> Any:
        decides = give(value)
        return work.run_if(decides)("ran"), work.skip_if(decides)("ran")

    assert run(trial, body).result() == (None, "ran")
    assert trial.errors["work"] == "run_if: what 'give' returned is false."


def test_a_run_in_which_tasks_were_skipped_on_conditions_succeeds(trial: Any) -> None:
    result = run(trial, lambda: work.run_if(give(False))())
    assert (result.status, result.error, result.result()) == (RunStatus.SUCCEEDED, None, None)
    skipped = trial.task_runs["work"]
    assert (str(skipped.status), skipped.attempt, skipped.started_at) == ("SKIPPED", 0, None)
    assert skipped.ended_at is not None
    assert skipped.depends_on == ("give",)


def test_all_that_needs_a_skipped_task_is_skipped_and_the_rest_runs(trial: Any) -> None:
    def body() -> Any:
        skipped = work.run_if(give(False))()
        needs_it = work(skipped)
        after_it = work.with_options(after=[skipped])("after")
        return [needs_it, work([needs_it]), after_it, work("apart")]

    assert run(trial, body).result() == [None, None, None, "apart"]
    assert trial.states == {
        "give": "SUCCEEDED",
        **dict.fromkeys(["work", "work-2", "work-3", "work-4"], "SKIPPED"),
        "work-5": "SUCCEEDED",
    }
    assert trial.errors["work-3"] == "Task 'work' was skipped."


@pytest.mark.parametrize(
    ("wanted", "unwanted", "ran"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_all_conditions_of_a_task_must_let_it_run(
    trial: Any, wanted: bool, unwanted: bool, ran: bool
) -> None:
    def body() -> Any:
        return work.run_if(give(wanted)).skip_if(give(unwanted))()

    assert run(trial, body).result() == ("done" if ran else None)


def test_a_condition_changes_no_other_call_of_the_task(trial: Any) -> None:
    def body() -> Any:
        return [work.run_if(give(False))("conditional"), work("plain")]

    assert run(trial, body).result() == [None, "plain"]


def test_options_and_conditions_can_be_combined_in_any_order(trial: Any) -> None:
    def body() -> Any:
        no = give(False)
        return [work.run_if(no).with_options(name="a")(), work.with_options(name="b").run_if(no)()]

    run(trial, body).raise_for_status()
    assert trial.states == {"give": "SUCCEEDED", "a": "SKIPPED", "b": "SKIPPED"}


class Array:
    """Like those of numpy: nobody can say whether it is true."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")


def test_a_value_that_is_neither_true_nor_false_fails_the_task(trial: Any) -> None:
    make = give.with_options(serializer="pickle")

    def body() -> Any:
        return work(work.run_if(make(Array()))())

    result = run(trial, body)
    assert result.status is RunStatus.FAILED
    assert result.error == (
        "Task 'work' failed: ValueError: the truth value of an array is ambiguous"
    )
    assert trial.states == {"give": "SUCCEEDED", "work": "FAILED", "work-2": "SKIPPED"}


def test_why_a_condition_fails_is_in_the_log(trial: Any) -> None:
    make = give.with_options(serializer="pickle")
    run(trial, lambda: work.run_if(make(Array()))())
    assert any("in __bool__" in message for message in trial.messages("work"))


def test_a_condition_that_fails_stops_a_run_with_fail_fast_only(trial: Any) -> None:
    make = give.with_options(serializer="pickle")

    def body() -> Any:
        return [work.run_if(make(Array()))(), work(work("apart"))]

    run(trial, body, fail_fast=False)
    assert trial.states["work-2"] == trial.states["work-3"] == "SUCCEEDED"


def test_on_failure_hooks_hear_of_a_condition_that_fails(trial: Any) -> None:
    told: list[str | None] = []
    make = give.with_options(serializer="pickle")
    noted = work.with_options(on_failure=[lambda _, state: told.append(state.message)])
    run(trial, lambda: noted.run_if(make(Array()))())
    assert told == ["ValueError: the truth value of an array is ambiguous"]


def test_hooks_hear_nothing_of_a_skipped_task(trial: Any) -> None:
    told: list[str] = []
    hooks = [lambda _, state: told.append(state.type)]
    noted = work.with_options(on_running=hooks, on_completion=hooks, on_failure=hooks)
    run(trial, lambda: noted.run_if(give(False))())
    assert told == []


def test_a_skipped_mapped_task_has_no_children(trial: Any) -> None:
    def body() -> Any:
        return give(work.run_if(give(False)).map(give([1, 2])))

    assert run(trial, body).result() is None
    assert trial.states == {
        "give": "SUCCEEDED",
        "give-2": "SUCCEEDED",
        "work": "SKIPPED",
        "give-3": "SKIPPED",
    }
    assert trial.task_runs["work"].map_size is None


def test_a_mapped_task_whose_condition_holds_has_its_children(trial: Any) -> None:
    assert run(trial, lambda: work.run_if(give(True)).map(give([1, 2]))).result() == [1, 2]


@pytest.mark.parametrize(("items", "expected"), [([1], "done"), ([0], "done"), ([], None)])
def test_what_a_mapped_task_returned_is_true_if_it_has_children(
    trial: Any, items: Any, expected: Any
) -> None:
    assert run(trial, lambda: work.run_if(work.map(give(items)))()).result() == expected


def test_a_task_whose_condition_failed_is_skipped_like_any_dependent(trial: Any) -> None:
    def body() -> Any:
        failed = fail()
        return [work.run_if(failed)(), work.skip_if(failed)(), work("apart")]

    assert run(trial, body, fail_fast=False).status is RunStatus.FAILED
    assert trial.states == {
        "fail": "FAILED",
        "work": "SKIPPED",
        "work-2": "SKIPPED",
        "work-3": "SUCCEEDED",
    }
    assert trial.errors["work-2"] == "Task 'fail' failed."


def test_a_condition_on_a_skipped_task_skips_too(trial: Any) -> None:
    body = lambda: work.skip_if(work.run_if(give(False))())()  # noqa: E731
    assert run(trial, body).status is RunStatus.SUCCEEDED
    assert trial.errors["work-2"] == "Task 'work' was skipped."


def test_a_condition_is_asked_once_and_not_again_for_a_retry(trial: Any) -> None:
    calls: list[int] = []

    @task(retries=2)
    def flaky() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError
        return "done"

    assert run(trial, lambda: flaky.run_if(give([1]))()).result() == "done"
    assert trial.task_runs["flaky"].attempt == 3


def test_the_output_may_be_both_a_condition_and_an_argument(trial: Any) -> None:
    def body() -> Any:
        rows = give(["row"])
        return work.run_if(rows)(rows)

    assert run(trial, body).result() == ["row"]
    assert trial.task_runs["work"].depends_on == ("give",)


@pytest.mark.parametrize("name", ["run_if", "skip_if"])
@pytest.mark.parametrize("value", [True, None, [], "yes"])
def test_a_plain_value_is_no_condition(trial: Any, name: str, value: Any) -> None:
    with pytest.raises(FlowDefinitionError, match=f"Task 'work': {name} needs the output") as error:
        run(trial, lambda: getattr(work, name)(value)())
    assert "plain if" in str(error.value.hint)
    assert "test_conditions.py" in error.value.message


def test_a_condition_of_another_flow_is_refused(trial: Any) -> None:
    outputs: list[Any] = []
    run(trial, lambda: outputs.append(give(1)))
    with pytest.raises(FlowDefinitionError, match="belongs to another run"):
        run(trial, lambda: work.run_if(outputs[0])())
