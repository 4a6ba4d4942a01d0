from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from dagy import flow, task
from dagy._clock import SystemClock
from dagy._engine import execute
from dagy._interrupts import deferred_signals
from dagy._run_options import RunOptions
from dagy._serializers import Serializers
from dagy.local import LocalLogger, run_flow
from dagy_types import Run, RunStatus, TaskStatus, TaskTransition

QUIET = LocalLogger(quiet=True)


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_is_told_at_once_and_delivered_after_the_block() -> None:
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt), deferred_signals(lambda: told.append("told")):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert told == ["told", "told"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_signal_nothing_happens() -> None:
    with deferred_signals(lambda: pytest.fail("told")):
        pass


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_signals(lambda: pytest.fail("told")):
        signal.raise_signal(signal.SIGINT)


def test_other_threads_leave_the_handlers_alone() -> None:
    def body() -> None:
        with deferred_signals(lambda: None):
            found.append(signal.getsignal(signal.SIGINT))

    found: list[Any] = []
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_an_interrupt_lets_running_tasks_finish_and_cancels_the_rest(recorder: Any) -> None:
    applied = threading.Event()

    class Watching(type(recorder)):  # type: ignore[misc]
        def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
            super().record_tasks(run_id, transitions)
            if any(each.status is TaskStatus.CANCELLED for each in transitions):
                applied.set()

    @task
    def interrupt() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        assert applied.wait(10)
        return "finished"

    @task
    def after(value: str) -> None: ...

    @flow
    def f() -> None:
        after(interrupt())

    watching = Watching()
    with pytest.raises(KeyboardInterrupt):
        run_flow(f, {}, recorder=watching, logger=QUIET)
    assert watching.status is RunStatus.CANCELLED
    [said] = watching.logs
    assert said.level == "WARNING"
    assert "10 s to finish. Interrupt again to stop now." in said.message
    assert watching.states == {
        "interrupt": TaskStatus.SUCCEEDED,
        "after": TaskStatus.CANCELLED,
    }


def test_an_interrupt_that_prevents_nothing_leaves_a_success(recorder: Any) -> None:
    @task
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    @flow
    def f() -> None:
        interrupt()

    with pytest.raises(KeyboardInterrupt):
        run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert recorder.status is RunStatus.SUCCEEDED


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that happens only when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def stubborn_flow(never: threading.Event, before_second: threading.Event | None = None) -> Any:
    """A flow whose task interrupts it and never ends; a second time after the event, if given."""

    @task
    def stubborn() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        if before_second is not None:
            before_second.wait(10)
            os.kill(os.getpid(), signal.SIGINT)
        never.wait()

    @task
    def after(value: None) -> None: ...

    @flow
    def f() -> None:
        after(stubborn())

    return f


def test_a_second_interrupt_ends_the_run_at_once(recorder: Any, never: threading.Event) -> None:
    first_applied = threading.Event()

    class Watching(type(recorder)):  # type: ignore[misc]
        def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
            super().record_tasks(run_id, transitions)
            if any(each.task_id == "after" for each in transitions):
                first_applied.set()

    watching = Watching()
    with pytest.raises(KeyboardInterrupt):
        run_flow(stubborn_flow(never, first_applied), {}, recorder=watching, logger=QUIET)
    assert watching.status is RunStatus.CANCELLED
    last = watching.transitions[-1]
    assert (last.task_id, last.status, last.attempt) == ("stubborn", TaskStatus.CANCELLED, 1)
    assert "still running" in last.error


def test_a_task_that_outlasts_the_grace_period_is_given_up(
    recorder: Any, never: threading.Event
) -> None:
    flow_ = stubborn_flow(never)
    run = Run(
        run_id="r1",
        flow_name="f",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=SystemClock().now(),
    )
    with pytest.raises(KeyboardInterrupt):
        execute(
            flow_.trace({}),
            run,
            RunOptions(max_workers=1, fail_fast=True, max_output_bytes=100, grace_seconds=0.05),
            recorder=recorder,
            logger=QUIET,
            serializers=Serializers([]),
        )
    assert recorder.states == {"stubborn": TaskStatus.CANCELLED, "after": TaskStatus.CANCELLED}


SCRIPT = """
import os, signal, time
from dagy import flow, task
from dagy_store import LocalMetadataStore
from dagy_types import TaskStatus

@task
def terminate():
    os.kill(os.getpid(), signal.SIGTERM)
    with LocalMetadataStore() as store:
        [run] = store.list_runs(limit=1)
        while store.list_task_runs(run.run_id)[1].status is not TaskStatus.CANCELLED:
            time.sleep(0.01)

@task
def after(value): ...

@flow
def f():
    after(terminate())

f.run_local()
"""


def test_termination_is_recorded_and_then_takes_its_effect() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, timeout=30)
    assert ended.returncode == -signal.SIGTERM, ended.stderr.decode()

    from dagy_store import LocalMetadataStore

    with LocalMetadataStore() as store:
        [run] = store.list_runs(limit=9)
    assert run.status is RunStatus.CANCELLED
