from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from dagy_cli.render.cells import line_text
from dagy_cli.render.view import Surface
from dagy_cli.timelines.bars import Timeline, timeline_of
from dagy_cli.timelines.text import timeline_lines
from dagy_types import Run, TaskRun


@pytest.fixture
def timeline(run: Run, task_runs: list[TaskRun], at: Callable[[float], datetime]) -> Timeline:
    return timeline_of(run, task_runs, now=at(8))


def _drawn(timeline: Timeline, *, width: int, surface: Surface, most: int = 50) -> list[str]:
    lines = timeline_lines(timeline, width=width, surface=surface, most=most)
    return [line_text(tuple(cells), surface) for cells in lines]


def test_each_task_is_a_bar_on_one_axis(timeline: Timeline) -> None:
    assert _drawn(timeline, width=58, surface=Surface()) == [
        "       0                      5 s\n",
        "load   ██████████████████                    4.0 s\n",
        "report                   ██████████          2.0 s FAILED\n",
        "check                         ██████████████ 3.0 s RUNNING\n",
        "1 not started.\n",
    ]


def test_ascii_has_bars_too(timeline: Timeline) -> None:
    lines = _drawn(timeline, width=58, surface=Surface(is_unicode=False))
    assert lines[1].startswith("load   ####")
    assert all(line.isascii() for line in lines)


def test_colours_tell_the_status_where_they_may_be_shown(timeline: Timeline) -> None:
    lines = _drawn(timeline, width=58, surface=Surface(has_color=True))
    assert ["\x1b[32m" in lines[1], "\x1b[31m" in lines[2], "\x1b[36m" in lines[3]] == [True] * 3
    assert "\x1b" not in lines[0]


@pytest.mark.parametrize("width", [40, 58, 80, 200])
def test_no_line_is_wider_than_the_terminal(
    width: int, run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    tasks = [task_run("long" * 40, 0, 3), task_run("x", 2.99, 3), task_run("y", 3, 3)]
    drawn = _drawn(timeline_of(run, tasks, now=at(3)), width=width, surface=Surface())
    assert max(map(len, drawn)) - 1 <= width
    assert all("█" in line for line in drawn[1:])


def test_of_a_large_run_the_first_tasks_are_shown(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    tasks = [task_run(f"t{n}", n, n + 1) for n in range(100)]
    lines = _drawn(timeline_of(run, tasks, now=at(100)), width=80, surface=Surface(), most=10)
    assert len(lines) == 12
    assert lines[-1] == "90 more started: --svg FILE draws them all.\n"


def test_a_run_without_a_started_task_has_no_axis(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    waiting = timeline_of(run, [task_run("a", None, None)], now=at(1))
    assert _drawn(waiting, width=80, surface=Surface()) == ["1 not started.\n"]


def test_reused_tasks_are_counted(timeline: Timeline) -> None:
    lines = _drawn(replace(timeline, reused=2), width=58, surface=Surface())
    assert lines[-2:] == ["2 reused without running.\n", "1 not started.\n"]
