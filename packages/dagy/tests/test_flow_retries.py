"""Retries of a flow: what failed is tried again in the same run, once nothing else is left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from dagy import flow, task
from dagy.local import run_flow
from dagy.local.errors import TaskFailedError
from dagy.testing import FakeClock, harness
from dagy_types import FailureReason, RunStatus, TaskStatus


class Flaky:
    """A task's work that fails so many times; it notes the time of each call."""

    def __init__(self, trial: Any, failures: int, error: type[Exception] = ValueError) -> None:
        self._trial = trial
        self._failures = failures
        self._error = error
        self.times: list[float] = []

    @property
    def calls(self) -> int:
        return len(self.times)

    def __call__(self) -> int:
        self.times.append(self._trial.clock.monotonic())
        if self.calls <= self._failures:
            raise self._error(f"call {self.calls}")
        return self.calls


@task
def give(value: Any) -> Any:
    return value


def flow_of(work: Any, *, task_options: Any = None, **options: Any) -> Any:
    @task(**(task_options or {}))
    def flaky(_: Any) -> Any:
        return work()

    @flow(name="f", **options)
    def f() -> Any:
        return give(flaky(give("before")))

    return f


@pytest.mark.parametrize("fail_fast", [True, False])
def test_a_run_that_succeeds_on_its_second_attempt_has_succeeded(
    trial: Any, fail_fast: bool
) -> None:
    work = Flaky(trial, 1)
    result = trial.run(flow_of(work, retries=1, fail_fast=fail_fast))
    assert (result.status, result.result(), result.error) == (RunStatus.SUCCEEDED, 2, None)
    assert set(trial.states.values()) == {"SUCCEEDED"}
    assert trial.task_runs["flaky"].attempt == 2


@pytest.mark.parametrize("fail_fast", [True, False])
def test_only_what_failed_runs_again(trial: Any, fail_fast: bool) -> None:
    trial.run(flow_of(Flaky(trial, 1), retries=1, fail_fast=fail_fast)).raise_for_status()
    assert trial.task_runs["give"].attempt == 1
    assert trial.task_runs["give-2"].attempt == 1


@pytest.mark.parametrize("fail_fast", [True, False])
def test_after_the_last_attempt_the_run_has_failed(trial: Any, fail_fast: bool) -> None:
    work = Flaky(trial, 9)
    result = trial.run(flow_of(work, retries=2, fail_fast=fail_fast))
    assert (result.status, result.error) == (
        RunStatus.FAILED,
        "Task 'flaky' failed: ValueError: call 3",
    )
    assert work.calls == 3
    assert trial.states == {"give": "SUCCEEDED", "flaky": "FAILED", "give-2": "SKIPPED"}


def test_the_last_failure_is_the_cause_of_the_error(trial: Any) -> None:
    f = flow_of(Flaky(trial, 9), retries=1)
    with pytest.raises(TaskFailedError) as caught:
        f.run_local()
    assert str(caught.value.__cause__) == "call 2"


@pytest.mark.parametrize(
    ("delay", "times"),
    [(None, [0, 0, 0]), (5, [0, 5, 10]), ([1, 10], [0, 1, 11]), (lambda n: [n, 3], [0, 2, 5])],
)
def test_each_delay_is_waited_before_an_attempt(trial: Any, delay: Any, times: list[float]) -> None:
    work = Flaky(trial, 2)
    trial.run(flow_of(work, retries=2, retry_delay_seconds=delay)).raise_for_status()
    assert work.times == times


def test_jitter_adds_a_random_share_to_the_delay(trial: Any) -> None:
    work = Flaky(trial, 20)
    f = flow_of(work, retries=20, retry_delay_seconds=10, retry_jitter_factor=0.5)
    trial.run(f).raise_for_status()
    waits = [after - before for before, after in zip(work.times, work.times[1:], strict=False)]
    assert all(10 <= wait <= 15 for wait in waits)
    assert len(set(waits)) > 1


def test_the_delay_is_told_in_the_log(trial: Any) -> None:
    trial.run(flow_of(Flaky(trial, 1), retries=1, retry_delay_seconds=5))
    assert any(" in 5 s" in message for message in trial.messages(""))


def test_the_condition_decides_whether_it_is_worth_it(trial: Any) -> None:
    asked: list[str] = []

    def is_worth_it(error: Exception) -> bool:
        asked.append(str(error))
        return isinstance(error, LookupError)

    work = Flaky(trial, 9, ValueError)
    result = trial.run(flow_of(work, retries=3, retry_condition_fn=is_worth_it))
    assert result.status is RunStatus.FAILED
    assert (work.calls, asked) == (1, ["call 1"])


def test_a_condition_that_holds_lets_it_be_tried_again(trial: Any) -> None:
    work = Flaky(trial, 1, LookupError)
    f = flow_of(work, retries=3, retry_condition_fn=lambda e: isinstance(e, LookupError))
    assert trial.run(f).result() == 2


def test_a_condition_that_raises_means_no_further_attempt(trial: Any) -> None:
    work = Flaky(trial, 9)
    result = trial.run(flow_of(work, retries=3, retry_condition_fn=lambda _: 1 / 0))
    assert (result.status, work.calls) == (RunStatus.FAILED, 1)
    assert any("retry_condition_fn raised" in message for message in trial.messages(""))


def test_a_task_that_exits_is_not_tried_again(trial: Any) -> None:
    work = Flaky(trial, 9, SystemExit)  # type: ignore[arg-type]
    assert trial.run(flow_of(work, retries=3)).status is RunStatus.FAILED
    assert work.calls == 1


def test_a_task_has_all_its_own_retries_in_each_attempt_of_the_run(trial: Any) -> None:
    work = Flaky(trial, 9)
    own = {"retries": 1, "retry_delay_seconds": 1}
    trial.run(flow_of(work, task_options=own, retries=2, retry_delay_seconds=10))
    assert work.times == [0, 1, 11, 12, 22, 23]
    assert trial.task_runs["flaky"].attempt == 6


def test_without_fail_fast_the_rest_ends_first_and_all_failed_tasks_run_again(trial: Any) -> None:
    order: list[str] = []

    @task
    def step(name: str, failures: int = 0) -> str:
        order.append(name)
        if order.count(name) <= failures:
            raise ValueError(name)
        return name

    @flow(retries=1, fail_fast=False)
    def f() -> Any:
        return [step("a", failures=1), step("b", failures=1), step("c"), step("d")]

    assert trial.run(f, max_workers=1).result() == ["a", "b", "c", "d"]
    assert order == ["a", "b", "c", "d", "a", "b"]


def test_with_fail_fast_nothing_new_starts_until_what_failed_is_tried_again(trial: Any) -> None:
    started: list[tuple[str, float]] = []

    @task
    def step(name: str, failures: int = 0) -> str:
        started.append((name, trial.clock.monotonic()))
        if len([each for each, _ in started if each == name]) <= failures:
            raise ValueError(name)
        return name

    @flow(retries=1, retry_delay_seconds=5)
    def f() -> Any:
        return [step("a", failures=1), step("b"), step("c")]

    assert trial.run(f, max_workers=1).result() == ["a", "b", "c"]
    assert sorted(started) == [("a", 0), ("a", 5), ("b", 5), ("c", 5)]


def test_a_task_that_timed_out_is_tried_again(trial: Any) -> None:
    is_repeated = threading.Event()

    @task(timeout_seconds=60)
    def slow() -> str:
        while not is_repeated.wait(0.001):
            trial.clock.advance(1)
        return "in time"

    f = flow(name="f", retries=1, on_retry=[lambda *_: is_repeated.set()])(lambda: slow())
    assert trial.run(f).result() == "in time"
    assert trial.task_runs["slow"].attempt == 2


@pytest.mark.parametrize("fail_fast", [True, False])
def test_only_failed_children_of_a_map_run_again(trial: Any, fail_fast: bool) -> None:
    calls: list[int] = []

    @task
    def work(number: int) -> int:
        calls.append(number)
        if number % 2 and calls.count(number) == 1:
            raise ValueError(number)
        return number

    @flow(retries=2, fail_fast=fail_fast)
    def f() -> Any:
        return give(work.map(give([0, 1, 2, 3])))

    assert trial.run(f, max_workers=1).result() == [0, 1, 2, 3]
    assert sorted(calls) == [0, 1, 1, 2, 3, 3]
    assert trial.states["work"] == "SUCCEEDED"
    assert [trial.task_runs[f"work[{index}]"].attempt for index in range(4)] == [1, 2, 1, 2]


def test_children_that_fail_in_every_attempt_fail_the_map(trial: Any) -> None:
    @task
    def work(number: int) -> int:
        if number:
            raise ValueError(number)
        return number

    @flow(retries=1, fail_fast=False)
    def f() -> Any:
        return give(work.map(give([0, 1, 2])))

    assert trial.run(f).status is RunStatus.FAILED
    assert trial.errors["work"] == "2 of 3 failed."
    assert trial.states["give-2"] == "SKIPPED"
    assert trial.task_runs["work[1]"].attempt == 2


def test_hooks_of_the_flow_hear_of_each_attempt_and_of_the_end_once(trial: Any) -> None:
    told: list[tuple[str, int, str | None]] = []

    def note(name: str) -> list[Any]:
        return [lambda context, state: told.append((name, context.attempt, state.message))]

    f = flow_of(
        Flaky(trial, 9),
        retries=2,
        **{name: note(name) for name in ("on_running", "on_retry", "on_failure", "on_completion")},
    )
    result = trial.run(f)
    assert told == [
        ("on_running", 1, None),
        ("on_retry", 2, "Attempt 2."),
        ("on_retry", 3, "Attempt 3."),
        ("on_failure", 3, result.error),
    ]


def test_on_completion_tells_which_attempt_succeeded(trial: Any) -> None:
    told: list[int] = []
    f = flow_of(
        Flaky(trial, 1), retries=5, on_completion=[lambda context, _: told.append(context.attempt)]
    )
    trial.run(f)
    assert told == [2]


@pytest.mark.parametrize("fail_fast", [True, False])
def test_on_failure_of_a_task_is_called_once_at_the_end(trial: Any, fail_fast: bool) -> None:
    told: list[tuple[int, str | None]] = []
    noted = {"on_failure": [lambda context, state: told.append((context.attempt, state.message))]}
    trial.run(flow_of(Flaky(trial, 9), task_options=noted, retries=1, fail_fast=fail_fast))
    assert told == [(2, "ValueError: call 2")]


def test_on_failure_of_a_task_is_not_called_when_a_later_attempt_succeeds(trial: Any) -> None:
    told: list[str] = []
    noted = {"on_failure": [lambda context, state: told.append("failed")]}
    trial.run(flow_of(Flaky(trial, 1), task_options=noted, retries=1)).raise_for_status()
    assert told == []


@pytest.mark.parametrize("own_retries", [0, 1])
def test_on_failure_of_a_task_is_called_when_the_run_ends_before_it_is_tried_again(
    trial: Any, own_retries: int
) -> None:
    told: list[str | None] = []
    options = {
        "retries": own_retries,
        "retry_delay_seconds": 5,
        "on_failure": [lambda _, state: told.append(state.message)],
    }
    work = Flaky(trial, 9)
    trial.run(
        flow_of(work, task_options=options, retries=1, retry_delay_seconds=5, timeout_seconds=3)
    )
    assert trial.states["flaky"] == "FAILED"
    assert told == ["ValueError: call 1"]


class InterruptingClock(FakeClock):
    """Interrupts the run as soon as it does nothing but wait."""

    is_done = False

    def wait(self, inbox: SimpleQueue[Any], until: float, *, is_idle: bool) -> list[Any]:
        if is_idle and until > self.monotonic() and not self.is_done:
            self.is_done = True
            signal.raise_signal(signal.SIGINT)
        return super().wait(inbox, until, is_idle=is_idle)


@pytest.fixture
def can_be_interrupted() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("can_be_interrupted")
@pytest.mark.parametrize("fail_fast", [True, False])
def test_one_interrupt_during_the_delay_ends_the_run(fail_fast: bool) -> None:
    with harness(clock=InterruptingClock()) as surroundings:
        work = Flaky(surroundings, 9)
        f = flow_of(work, retries=1, retry_delay_seconds=50, fail_fast=fail_fast)
        with pytest.raises(KeyboardInterrupt):
            f.run_local()
        [run] = surroundings.store.list_runs(limit=9)
        states = {
            each.task_id: each.status for each in surroundings.store.list_task_runs(run.run_id)
        }
    assert (run.status, run.error) == (RunStatus.CANCELLED, "The run was interrupted.")
    assert work.calls == 1
    assert states["flaky"] is TaskStatus.FAILED
    assert states["give-2"] in (TaskStatus.SKIPPED, TaskStatus.CANCELLED)
    assert surroundings.clock.monotonic() < 50


@pytest.mark.parametrize("fail_fast", [True, False])
def test_the_flows_time_limit_ends_the_delay(trial: Any, fail_fast: bool) -> None:
    work = Flaky(trial, 9)
    f = flow_of(
        work, retries=3, retry_delay_seconds=[5, 50], timeout_seconds=20, fail_fast=fail_fast
    )
    result = trial.run(f)
    assert (result.status, result.reason) == (RunStatus.FAILED, FailureReason.TIMED_OUT)
    assert result.error == "The run did not end within 20 s."
    assert work.times == [0, 5]
    assert trial.clock.monotonic() == 20
    assert trial.states["flaky"] == "FAILED"


def test_the_delay_of_a_task_is_over_before_that_of_the_run_begins(trial: Any) -> None:
    quick, slow = Flaky(trial, 1), Flaky(trial, 1)

    @task
    def fails_once() -> int:
        return quick()

    @task(retries=1, retry_delay_seconds=7)
    def retries_itself() -> int:
        return slow()

    @flow(retries=1, retry_delay_seconds=10, fail_fast=False)
    def f() -> Any:
        return [fails_once(), retries_itself()]

    assert trial.run(f).result() == [2, 2]
    assert (quick.times, slow.times) == ([0, 17], [0, 7])


def test_a_flow_inside_has_no_retries_of_its_own(trial: Any) -> None:
    work = Flaky(trial, 1)

    @task
    def flaky() -> int:
        return work()

    inner = flow(name="inner", retries=3)(lambda: flaky())
    outer = flow(name="outer")(lambda: inner())
    assert run_flow(outer, {}, recorder=trial.store).status is RunStatus.FAILED
    assert work.calls == 1
