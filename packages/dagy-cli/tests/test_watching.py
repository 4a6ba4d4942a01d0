from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from dagy_cli.console import Console
from dagy_cli.progress import ProgressDisplay
from dagy_cli.watching import DisplayFeed, wait_for_end
from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import NotFoundError

START = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def run_id(store: LocalMetadataStore) -> str:
    """A run of two tasks that this process executes."""
    spec = FlowSpec(
        name="f", tasks=(TaskSpec(task_id="a", name="a"), TaskSpec(task_id="b", name="b"))
    )
    run = Run(
        run_id="live",
        flow_name="f",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=START,
        started_at=START,
    )
    store.create_run(run, spec)
    return run.run_id


class Time:
    """A clock that only sleeping moves, with something to do after so many sleeps."""

    def __init__(self, **events: Callable[[], None]) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._events = events

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self._events.get(f"after_{len(self.slept)}", lambda: None)()


def test_the_wait_ends_when_the_run_does(store: LocalMetadataStore, run_id: str) -> None:
    end = RunEnd(status=RunStatus.CANCELLED, ended_at=_at(3))
    time = Time(after_3=lambda: store.finish_run(run_id, end))
    run = wait_for_end(store, run_id, clock=lambda: time.now, sleep=time.sleep)
    assert run.status is RunStatus.CANCELLED
    assert time.slept == [0.2, 0.2, 0.2]


def test_the_wait_ends_when_the_time_is_up(store: LocalMetadataStore, run_id: str) -> None:
    time, looked = Time(), []
    run = wait_for_end(
        store,
        run_id,
        timeout_seconds=0.5,
        on_look=looked.append,
        clock=lambda: time.now,
        sleep=time.sleep,
    )
    assert run.status is RunStatus.RUNNING
    assert time.slept == pytest.approx([0.2, 0.2, 0.1])
    assert len(looked) == 4  # the last look is at the deadline


def test_looks_that_take_long_are_rare(store: LocalMetadataStore, run_id: str) -> None:
    time = Time()

    def look(_: Run) -> None:
        time.now += 0.5

    wait_for_end(
        store,
        run_id,
        timeout_seconds=4,
        on_look=look,
        clock=lambda: time.now,
        sleep=time.sleep,
    )
    assert time.slept == [2.0, 1.0]


def test_a_run_that_has_ended_needs_no_wait(
    store: LocalMetadataStore, add_run: Callable[..., str]
) -> None:
    time = Time()
    run = wait_for_end(store, add_run(), timeout_seconds=1, sleep=time.sleep)
    assert (run.status, time.slept) == (RunStatus.FAILED, [])


def test_an_unknown_run_is_refused(store: LocalMetadataStore) -> None:
    with pytest.raises(NotFoundError):
        wait_for_end(store, "nope")


def test_the_display_shows_the_age_of_the_run_and_how_far_it_is(
    store: LocalMetadataStore, run_id: str, terminal: io.StringIO
) -> None:
    console = Console(terminal, terminal, environ={})
    display = ProgressDisplay(console, clock=lambda: 50.0, interval_seconds=3600)
    feed = DisplayFeed(store, display, clock=lambda: _at(7))
    run = store.get_run(run_id)
    with display:
        store.record_tasks(run_id, [TaskTransition("b", TaskStatus.RUNNING, _at(1), 1)])
        feed.look(run)
        store.record_tasks(run_id, [TaskTransition("b", TaskStatus.SUCCEEDED, _at(2), 1)])
        feed.look(run)
    clear = "\r\x1b[2K"
    assert terminal.getvalue() == f"{clear}0/2 tasks, 7.0 s: b{clear}1/2 tasks, 7.0 s{clear}"
