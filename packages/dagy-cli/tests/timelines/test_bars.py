from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from dagy_cli.timelines.bars import timeline_of
from dagy_types import Origin, ReuseReason, Run, RunStatus, TaskRun, TaskStatus


def test_bars_are_in_the_order_of_starting_and_what_runs_goes_to_now(
    run: Run, task_runs: list[TaskRun], at: Callable[[float], datetime]
) -> None:
    timeline = timeline_of(run, task_runs, now=at(8))
    assert [(bar.task.task_id, bar.start_seconds, bar.seconds) for bar in timeline.bars] == [
        ("load", 0, 4),
        ("report", 4, 2),
        ("check", 5, 3),
    ]
    assert (timeline.started_at, timeline.seconds, timeline.absent) == (at(0), 8, 1)
    assert [bar.remark for bar in timeline.bars] == ["", " FAILED", " RUNNING"]


def test_a_run_that_has_ended_ends_the_axis(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    ended = replace(run, status=RunStatus.SUCCEEDED, ended_at=at(5))
    timeline = timeline_of(ended, [task_run("a", 1, 4)], now=at(100))
    assert timeline.seconds == 5


def test_a_clock_that_was_set_back_leaves_every_bar_on_the_axis(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    odd = [task_run("a", -2, -1), task_run("b", 3, 1), task_run("c", 1, 9)]
    timeline = timeline_of(run, odd, now=at(-5))
    assert [(bar.start_seconds, bar.seconds) for bar in timeline.bars] == [(0, 1), (3, 8), (5, 0)]
    assert timeline.seconds == 11


def test_a_run_without_length_has_an_axis_all_the_same(
    run: Run, at: Callable[[float], datetime]
) -> None:
    timeline = timeline_of(replace(run, started_at=None), [], now=at(0))
    assert timeline.seconds > 0
    assert timeline.bars == []


def test_a_task_that_was_cut_off_ends_with_its_run(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    ended = replace(run, status=RunStatus.CANCELLED, ended_at=at(4))
    (bar,) = timeline_of(ended, [task_run("a", 1, None, TaskStatus.CANCELLED)], now=at(9)).bars
    assert bar.seconds == 3


def test_a_mapped_task_is_one_bar_unless_its_children_are_asked_for(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    tasks = [
        task_run("step", 0, 3, TaskStatus.FAILED, map_size=3),
        task_run("step[0]", 0, 2),
        task_run("step[1]", 0, 3, TaskStatus.FAILED),
        task_run("step[2]", None, None, TaskStatus.CANCELLED),
    ]
    collapsed = timeline_of(run, tasks, now=at(3))
    assert [(bar.task.task_id, bar.remark) for bar in collapsed.bars] == [("step", " 1/3 FAILED")]
    assert collapsed.absent == 0
    listed = timeline_of(run, tasks, now=at(3), lists_children=True)
    assert [bar.task.task_id for bar in listed.bars] == ["step", "step[0]", "step[1]"]
    assert listed.absent == 1


def test_what_reuses_an_output_did_not_run_and_has_no_bar(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    origin = Origin("r0", "a", ReuseReason.RESUMED)
    tasks = [task_run("a", 0, 0, origin=origin), task_run("b", None, 0, origin=origin)]
    timeline = timeline_of(run, [*tasks, task_run("c", 0, 1)], now=at(3))
    assert [bar.task.task_id for bar in timeline.bars] == ["c"]
    assert (timeline.reused, timeline.absent) == (2, 0)
