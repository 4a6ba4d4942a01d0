from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from dagy import RunContext, State, completed, failed, flow, running, task
from dagy.local import LocalLogger, run_flow
from dagy_types import RunStatus

QUIET = LocalLogger(quiet=True)


class Diary:
    """Hooks that write down what they are told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, RunContext, State]] = []

    def hook(self, event: str) -> Any:
        def write(context: RunContext, state: State) -> None:
            self.lines.append((event, context, state))

        return write

    def options(self, *events: str) -> dict[str, Any]:
        return {event: [self.hook(event)] for event in events}

    @property
    def events(self) -> list[tuple[str, int, str]]:
        return [(event, told.attempt, state.type) for event, told, state in self.lines]


@pytest.fixture
def diary() -> Diary:
    return Diary()


ALL = ("on_running", "on_completion", "on_failure", "on_retry")


def test_the_factories_build_states() -> None:
    assert running() == State("RUNNING")
    assert completed("done") == State("COMPLETED", "done")
    assert failed("no") == State("FAILED", "no")


def test_a_task_that_succeeds_at_last_is_told_attempt_by_attempt(
    recorder: Any, diary: Diary
) -> None:
    calls: list[int] = []

    @task(retries=1, **diary.options(*ALL))
    def work(number: int, factor: int = 2) -> int:
        calls.append(number)
        if len(calls) == 1:
            raise ValueError("once")
        return number * factor

    @task
    def give() -> int:
        return 21

    @flow
    def f() -> Any:
        return work(give())

    result = run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert result.result() == 42
    assert diary.events == [
        ("on_running", 1, "RUNNING"),
        ("on_retry", 2, "RUNNING"),
        ("on_running", 2, "RUNNING"),
        ("on_completion", 2, "COMPLETED"),
    ]
    told = diary.lines[0][1]
    assert (told.name, told.run_id, told.parameters) == ("work", result.run_id, {"number": 21})


def test_a_failure_is_told_once_after_the_last_attempt(recorder: Any, diary: Diary) -> None:
    @task(retries=1, **diary.options("on_failure", "on_completion"))
    def work() -> None:
        raise ValueError("always")

    @flow
    def f() -> None:
        work()

    run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert diary.events == [("on_failure", 2, "FAILED")]
    assert diary.lines[0][2].message == "ValueError: always"


def test_hooks_of_a_flow_are_told_once_each(recorder: Any, diary: Diary) -> None:
    @task
    def work(fails: bool) -> None:
        if fails:
            raise ValueError("no")

    @flow(**diary.options("on_running", "on_completion", "on_failure"))
    def f(fails: bool) -> None:
        work(fails)

    run_flow(f, {"fails": False}, recorder=recorder, logger=QUIET)
    run_flow(f, {"fails": True}, recorder=type(recorder)(), logger=QUIET)
    assert [event for event, _, _ in diary.events] == [
        "on_running",
        "on_completion",
        "on_running",
        "on_failure",
    ]
    assert diary.lines[0][1].parameters == {"fails": False}
    assert diary.lines[3][2].message == "Task 'work' failed: ValueError: no"


def test_hooks_of_one_event_are_called_in_their_order(recorder: Any, diary: Diary) -> None:
    @task(on_completion=[diary.hook("first"), diary.hook("second")])
    def work() -> None: ...

    @flow
    def f() -> None:
        work()

    run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert [event for event, _, _ in diary.events] == ["first", "second"]


@pytest.mark.parametrize("error", [ValueError("broken hook"), SystemExit(3)])
def test_a_hook_that_raises_is_logged_and_changes_nothing(
    recorder: Any, diary: Diary, error: BaseException
) -> None:
    def broken(context: RunContext, state: State) -> None:
        print("about to break")
        raise error

    @task(on_running=[broken, diary.hook("next")], on_completion=[broken])
    def work() -> int:
        return 1

    @flow(on_completion=[broken])
    def f() -> Any:
        return work()

    assert run_flow(f, {}, recorder=recorder, logger=QUIET).result() == 1
    assert [event for event, _, _ in diary.events] == ["next"]
    assert recorder.status is RunStatus.SUCCEEDED
    raised = [record for record in recorder.logs if record.logger == "dagy.hooks"]
    assert [record.task_id for record in raised] == ["work", "work", None]
    assert raised[0].message.startswith("Hook broken raised:\nTraceback")
    printed = [record.message for record in recorder.logs if record.logger == "stdout"]
    assert printed == ["about to break"] * 3


def test_a_slow_hook_delays_no_task_and_the_run_waits_for_it_at_its_end(recorder: Any) -> None:
    both_ran = threading.Event()
    ran = []

    def slow(context: RunContext, state: State) -> None:
        assert both_ran.wait(10)  # were the tasks to wait for the hook, this would not happen
        ran.append("hook")

    @task(on_running=[slow])
    def work(number: int) -> int:
        if number == 2:
            both_ran.set()
        return number

    @flow(max_workers=1)
    def f() -> Any:
        return [work(1), work(2)]

    run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert ran == ["hook", "hook"]


def test_a_second_interrupt_does_not_wait_for_a_hook_that_hangs(recorder: Any) -> None:
    never = threading.Event()
    first_seen = threading.Event()

    def hang(context: RunContext, state: State) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        first_seen.wait(0.5)
        os.kill(os.getpid(), signal.SIGINT)
        never.wait(60)

    @flow(on_completion=[hang])
    def f() -> None: ...

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_flow(f, {}, recorder=recorder, logger=QUIET)
    finally:
        signal.signal(signal.SIGINT, before)
        never.set()
    assert recorder.status is RunStatus.SUCCEEDED
