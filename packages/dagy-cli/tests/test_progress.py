from __future__ import annotations

import io
import itertools
import threading
from datetime import datetime
from typing import Any

import pytest

from dagy_cli.console import Console
from dagy_cli.progress import ProgressDisplay, WatchedRecorder, display_for
from dagy_cli.tally import Tally
from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

MOMENT = datetime.fromisoformat("2026-11-01T08:00:00+00:00")
RUN = Run(run_id="r1", flow_name="f", flow_version="1", status=RunStatus.RUNNING, created_at=MOMENT)
FOUND = (Origin("r0", "a", ReuseReason.CACHED), Output(b"1", "json"))
SPEC = FlowSpec(name="f", tasks=(TaskSpec(task_id="a", name="a"), TaskSpec(task_id="b", name="b")))


def _change(task_id: str, status: TaskStatus) -> TaskTransition:
    return TaskTransition(task_id, status, MOMENT, 1)


class Memory:
    """A `RunRecorder` that remembers the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        self.calls.append(("create_run", run, spec))

    def record_tasks(self, run_id: str, transitions: Any) -> None:
        self.calls.append(("record_tasks", run_id, transitions))

    def find_cached(self, key: str, *, since: datetime | None = None) -> tuple[Origin, Output]:
        self.calls.append(("find_cached", key, since))
        return FOUND

    def append_logs(self, run_id: str, records: Any) -> None:
        self.calls.append(("append_logs", run_id, records))

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        self.calls.append(("finish_run", run_id, end))


@pytest.fixture
def display(terminal: io.StringIO) -> ProgressDisplay:
    console = Console(terminal, terminal, environ={})
    ticks = itertools.count()
    return ProgressDisplay(console, clock=lambda: next(ticks), interval_seconds=3600)


def test_everything_reaches_the_recorder_before_people_hear_of_it() -> None:
    memory = Memory()
    heard: list[tuple[Run, int]] = []
    watched = WatchedRecorder(memory, announce=lambda run: heard.append((run, len(memory.calls))))
    assert (watched.run_id, watched.final_status) == (None, None)
    watched.create_run(RUN, SPEC)
    watched.record_tasks("r1", [])
    assert watched.find_cached("key", since=MOMENT) == FOUND
    watched.append_logs("r1", [])
    end = RunEnd(status=RunStatus.FAILED, ended_at=MOMENT, error="x")
    watched.finish_run("r1", end)
    assert heard == [(RUN, 1)]
    assert (watched.run_id, watched.final_status) == ("r1", RunStatus.FAILED)
    assert memory.calls == [
        ("create_run", RUN, SPEC),
        ("record_tasks", "r1", []),
        ("find_cached", "key", MOMENT),
        ("append_logs", "r1", []),
        ("finish_run", "r1", end),
    ]


def test_progress_is_drawn_and_cleared_at_the_end(
    display: ProgressDisplay, terminal: io.StringIO
) -> None:
    watched = WatchedRecorder(Memory(), announce=lambda run: None, display=display)
    with display:
        watched.create_run(RUN, SPEC)
        watched.record_tasks("r1", [_change("a", TaskStatus.RUNNING)])
        display.write_above("a log line\n")
        watched.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=MOMENT))
        display.write_above("the last line\n")
    clear = "\r\x1b[2K"
    assert terminal.getvalue() == (
        f"{clear}0/2 tasks, 1.0 s"
        f"{clear}0/2 tasks, 3.0 s: a"
        f"{clear}a log line\n0/2 tasks, 4.0 s: a"
        f"{clear}{clear}the last line\n"
    )
    assert "dagy-progress" not in [thread.name for thread in threading.enumerate()]


def test_many_changes_at_one_moment_are_drawn_once(terminal: io.StringIO) -> None:
    console = Console(terminal, terminal, environ={})
    with ProgressDisplay(console, clock=lambda: 50.0, interval_seconds=3600) as display:
        display.start(Tally(1000))
        for number in range(1000):
            display.update([_change(f"t{number}", TaskStatus.SKIPPED)])
        drawn = terminal.getvalue()
        display.write_above("")
    assert drawn.count("tasks") == 1
    assert "1000/1000 tasks" in terminal.getvalue()


def test_another_tally_can_take_the_place_of_the_first(
    display: ProgressDisplay, terminal: io.StringIO
) -> None:
    with display:
        display.start(Tally(1))
        display.show(Tally(7))
    assert "0/7 tasks" in terminal.getvalue()


def test_time_moves_on_without_events(terminal: io.StringIO) -> None:
    drawn = threading.Event()
    ticks = iter(range(1000))

    def clock() -> float:
        tick = next(ticks)
        if tick > 3:
            drawn.set()
        return tick

    console = Console(terminal, terminal, environ={})
    with ProgressDisplay(console, clock=clock, interval_seconds=0.001) as display:
        display.start(Tally(1))
        assert drawn.wait(30)
    assert "0/1 tasks, 2.0 s" in terminal.getvalue()


def test_a_display_that_never_started_leaves_no_trace(
    display: ProgressDisplay, terminal: io.StringIO
) -> None:
    with display:
        pass
    assert terminal.getvalue() == ""


def test_there_is_a_display_where_it_can_be_drawn_and_somebody_wants_it(
    terminal: io.StringIO,
) -> None:
    assert display_for(Console(terminal, terminal, environ={})) is not None
    assert display_for(Console(terminal, terminal, environ={}, is_quiet=True)) is None
    assert display_for(Console(terminal, io.StringIO(), environ={})) is None
