"""Attempts of a task: retries, delays, time limits, how many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dagy import flow, get_run_logger, task
from dagy.local import LocalLogger, run_flow
from dagy.local.errors import TaskFailedError, TaskTimeoutError
from dagy_types import FailureReason, RunStatus, TaskStatus

QUIET = LocalLogger(quiet=True)
RUNNING, FAILED, SUCCEEDED = TaskStatus.RUNNING, TaskStatus.FAILED, TaskStatus.SUCCEEDED


def run(of: Any, recorder: Any, **options: Any) -> Any:
    return run_flow(of, {}, recorder=recorder, logger=QUIET, **options)


def history(recorder: Any, task_id: str) -> list[tuple[TaskStatus, int]]:
    return [(each.status, each.attempt) for each in recorder.transitions if each.task_id == task_id]


class Flaky:
    """Fails a number of times, then returns how often it was called."""

    def __init__(self, failures: int, error: type[Exception] = ValueError) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"call {self.calls}")
        return self.calls


def flow_of(flaky: Flaky, **options: Any) -> Any:
    @task(**options)
    def work() -> int:
        return flaky()

    @task
    def after(value: int) -> int:
        return value

    @flow
    def f() -> Any:
        return after(work())

    return f


def test_a_failed_attempt_is_repeated_and_every_attempt_recorded(recorder: Any) -> None:
    result = run(flow_of(Flaky(2), retries=2, retry_delay_seconds=0.01), recorder)
    assert result.result() == 3
    assert history(recorder, "work") == [
        (RUNNING, 1),
        (FAILED, 1),
        (RUNNING, 2),
        (FAILED, 2),
        (RUNNING, 3),
        (SUCCEEDED, 3),
    ]
    assert history(recorder, "after") == [(RUNNING, 1), (SUCCEEDED, 1)]
    messages = [record.message for record in recorder.logs if record.level == "INFO"]
    assert messages[0] == "Attempt 1 failed; attempt 2 follows in 0.01 s."


def test_after_the_last_retry_the_task_has_failed(recorder: Any) -> None:
    result = run(flow_of(Flaky(9), retries=1), recorder)
    assert result.status is RunStatus.FAILED
    assert history(recorder, "work")[-1] == (FAILED, 2)
    assert recorder.states["after"] is TaskStatus.SKIPPED
    assert result.error == "Task 'work' failed: ValueError: call 2"


def test_a_retry_gets_its_inputs_again(recorder: Any) -> None:
    flaky = Flaky(1)

    @task
    def give() -> list[int]:
        return [1]

    @task(retries=1)
    def work(values: list[int]) -> list[int]:
        values.append(2)
        flaky()
        return values

    @flow
    def f() -> Any:
        return work(give())

    assert run(f, recorder).result() == [1, 2]


def test_the_condition_decides_whether_a_retry_is_worth_it(recorder: Any) -> None:
    flaky = Flaky(3, LookupError)
    work = flow_of(flaky, retries=3, retry_condition_fn=lambda e: isinstance(e, ValueError))
    assert run(work, recorder).status is RunStatus.FAILED
    assert flaky.calls == 1


def test_a_condition_that_raises_means_no_retry_and_is_logged(recorder: Any) -> None:
    flaky = Flaky(3)

    def broken(error: Exception) -> bool:
        raise RuntimeError("broken condition")

    assert run(flow_of(flaky, retries=3, retry_condition_fn=broken), recorder).error
    assert flaky.calls == 1
    assert any("broken condition" in record.message for record in recorder.logs)


def test_what_is_no_exception_is_not_repeated(recorder: Any) -> None:
    flaky = Flaky(1, SystemExit)  # type: ignore[arg-type]
    assert run(flow_of(flaky, retries=3), recorder).status is RunStatus.FAILED
    assert flaky.calls == 1


def test_a_task_that_waits_for_its_retry_occupies_no_worker(recorder: Any) -> None:
    other_ran = threading.Event()

    @task(retries=1, retry_delay_seconds=0.05)
    def flaky() -> bool:
        if not other_ran.is_set():
            raise ValueError("the other has not run yet")
        return True

    @task
    def other() -> None:
        other_ran.set()

    @flow
    def f() -> Any:
        return flaky(), other()

    assert run(f, recorder, max_workers=1).result() == (True, None)


def test_fail_fast_gives_up_retries_that_are_waiting(recorder: Any) -> None:
    @task(retries=5, retry_delay_seconds=600)
    def patient() -> None:
        raise ValueError("again")

    @task
    def fail(_: Any) -> None:
        raise LookupError("for good")

    @task
    def first() -> None: ...

    @task
    def never(_: Any) -> None: ...

    @flow
    def f() -> None:
        never(patient())
        fail(first())

    result = run(f, recorder, max_workers=1)
    assert result.status is RunStatus.FAILED
    assert recorder.states == {
        "patient": TaskStatus.FAILED,
        "first": TaskStatus.SUCCEEDED,
        "fail": TaskStatus.FAILED,
        "never": TaskStatus.CANCELLED,
    }


@pytest.fixture
def never() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_honest_timeouts_an_attempt_over_its_limit_is_told_and_its_slot_given_back(
    recorder: Any, never: threading.Event
) -> None:
    @task(timeout_seconds=0.05)
    def hang() -> None:
        never.wait(60)

    @task
    def other() -> int:
        return 1

    @flow
    def f() -> Any:
        hang()
        return other()

    result = run(f, recorder, max_workers=1, fail_fast=False)
    assert recorder.states == {"hang": TaskStatus.TIMED_OUT, "other": TaskStatus.SUCCEEDED}
    with pytest.raises(TaskFailedError, match=r"did not end within 0\.05 s") as caught:
        result.result()
    assert isinstance(caught.value.__cause__, TaskTimeoutError)


SPIN = """
import threading
from dagy import flow, task

interrupted = threading.Event()

@task(timeout_seconds=0.05)
def spin():
    try:
        while True:
            pass
    finally:
        interrupted.set()

@flow(fail_fast=False)
def f():
    spin()

print(f.run_local().error, interrupted.wait(10))
"""


def test_honest_timeouts_python_code_is_interrupted() -> None:
    # In a process of its own: under a tracer, such as that of coverage, threads are left alone.
    ended = subprocess.run(
        [sys.executable, "-c", SPIN], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.startswith("Task 'spin' failed: TaskTimeoutError: ")
    assert ended.stdout.endswith(" True\n")


def test_an_attempt_that_timed_out_is_repeated_and_its_late_result_ignored(
    recorder: Any,
) -> None:
    second_started = threading.Event()
    calls = []

    @task(timeout_seconds=0.1, retries=1)
    def slow_once() -> str:
        calls.append(1)
        if len(calls) == 1:
            second_started.wait(10)
            return "late"
        second_started.set()
        return "in time"

    @flow
    def f() -> Any:
        return slow_once()

    assert run(f, recorder).result() == "in time"
    assert history(recorder, "slow_once") == [
        (RUNNING, 1),
        (TaskStatus.TIMED_OUT, 1),
        (RUNNING, 2),
        (SUCCEEDED, 2),
    ]


def test_an_attempt_within_its_limit_is_left_alone(recorder: Any) -> None:
    @task(timeout_seconds=60)
    def quick() -> int:
        return 1

    @flow
    def f() -> Any:
        return quick()

    assert run(f, recorder).result() == 1


def test_a_run_over_its_limit_is_failed_with_the_reason(
    recorder: Any, never: threading.Event
) -> None:
    @task
    def hang() -> None:
        never.wait(60)

    @task
    def after(_: None) -> None: ...

    @flow(timeout_seconds=0.05)
    def f() -> None:
        after(hang())

    result = run(f, recorder)
    assert (result.status, result.reason) == (RunStatus.FAILED, FailureReason.TIMED_OUT)
    assert result.error == "The run did not end within 0.05 s."
    assert recorder.states == {"hang": TaskStatus.CANCELLED, "after": TaskStatus.CANCELLED}


def test_no_more_than_the_limit_of_a_task_run_at_once(recorder: Any) -> None:
    lock = threading.Lock()
    now, most = [0], [0]
    pair = threading.Barrier(2, timeout=10)

    @task(concurrency_limit=2)
    def limited(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        pair.wait()
        with lock:
            now[0] -= 1

    @task
    def free() -> None: ...

    @flow(max_workers=6)
    def f() -> None:
        for number in range(6):
            limited(number)
            free()

    assert run(f, recorder).status is RunStatus.SUCCEEDED
    assert most[0] == 2


def test_an_argument_of_the_wrong_type_fails_the_task_unless_unchecked(recorder: Any) -> None:
    @task
    def double(number: int) -> int:
        return 2 * number

    @flow
    def f() -> Any:
        loose = double.with_options(validate_parameters=False)
        return [loose("ab"), double("ab")]  # type: ignore[arg-type]

    result = run(f, recorder, fail_fast=False)
    assert recorder.states == {"double": TaskStatus.SUCCEEDED, "double-2": TaskStatus.FAILED}
    assert "parameter 'number' must be int; got 'ab' of type str" in result.error


def test_a_flow_can_leave_its_parameters_unchecked(recorder: Any) -> None:
    @flow(validate_parameters=False)
    def f(number: int) -> Any:
        return number

    assert run_flow(f, {"number": "x"}, recorder=recorder, logger=QUIET).result() == "x"


def test_what_a_flow_says_holds_unless_the_run_says_otherwise(recorder: Any) -> None:
    @task
    def fail() -> None:
        raise ValueError("no")

    @task
    def fine(_: int) -> None:
        get_run_logger().info("ran")

    @flow(fail_fast=False, max_workers=1)
    def f() -> None:
        fail()
        fine(1)

    assert f.run_local().status is RunStatus.FAILED
    with pytest.raises(TaskFailedError):
        f.run_local(fail_fast=True)
    run(f, recorder)
    assert recorder.states["fine"] is TaskStatus.SUCCEEDED


def test_a_retry_that_is_due_but_not_taken_when_the_run_stops_is_no_success(recorder: Any) -> None:
    """It waits for a worker, its delay over, when the run is told to stop."""
    resumed, stopped = threading.Event(), threading.Event()

    @task(retries=1)
    def flaky() -> None:
        raise ValueError("first attempt")

    @task
    def interrupt() -> None:
        # The only worker is busy with this; the retry of the other is due at once, and waits.
        assert resumed.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(10)

    class Watching(type(recorder)):  # type: ignore[misc]
        def append_logs(self, run_id: str, records: Any) -> None:
            super().append_logs(run_id, records)
            messages = " ".join(record.message for record in records)
            if "attempt 2 follows" in messages:
                resumed.set()
            if "Interrupt again" in messages:
                stopped.set()

    @flow(max_workers=1)
    def f() -> Any:
        return flaky(), interrupt()

    watching = Watching()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(f, watching)
    finally:
        signal.signal(signal.SIGINT, before)
    assert watching.states == {"flaky": TaskStatus.FAILED, "interrupt": TaskStatus.SUCCEEDED}
    assert watching.status is RunStatus.CANCELLED


def test_a_run_ends_though_a_retry_falls_due_in_the_turn_that_stops_it(
    recorder: Any, never: threading.Event
) -> None:
    @task(retries=1, retry_delay_seconds=0.2)
    def flaky() -> None:
        raise ValueError("first attempt")

    @task(timeout_seconds=0.1)
    def hang() -> None:
        never.wait(60)

    class Slow(type(recorder)):  # type: ignore[misc]
        """Takes so long to record the failure that limit and delay are both over after it."""

        def record_tasks(self, run_id: str, transitions: Any) -> None:
            super().record_tasks(run_id, transitions)
            if any(each.status is TaskStatus.FAILED for each in transitions):
                threading.Event().wait(0.5)

    @flow(max_workers=2)
    def f() -> None:
        hang()
        flaky()

    slow = Slow()
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(run(f, slow)), daemon=True)
    thread.start()
    thread.join(10)
    assert [result.status for result in ended] == [RunStatus.FAILED]
    assert slow.states == {"hang": TaskStatus.TIMED_OUT, "flaky": TaskStatus.FAILED}
