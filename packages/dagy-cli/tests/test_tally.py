from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from dagy_cli.tally import Tally
from dagy_types import TaskRun, TaskStatus, TaskTransition

MOMENT = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


def _change(task_id: str, status: TaskStatus, attempt: int = 1, **more: Any) -> TaskTransition:
    return TaskTransition(task_id, status, MOMENT, attempt, **more)


def test_the_tally_counts_what_ended_and_names_what_runs() -> None:
    tally = Tally(3)
    tally.add([_change("a", TaskStatus.RUNNING), _change("b", TaskStatus.RUNNING)])
    assert tally.text(2.0, 80) == "0/3 tasks, 2.0 s: a, b"
    tally.add([_change("a", TaskStatus.SUCCEEDED), _change("c", TaskStatus.SKIPPED)])
    assert tally.text(61, 80) == "2/3 tasks, 1 m 01 s, 1 skipped: b"


def test_a_retried_task_counts_as_running_again() -> None:
    tally = Tally(1)
    tally.add([_change("a", TaskStatus.RUNNING), _change("a", TaskStatus.FAILED)])
    assert tally.text(0.5, 80) == "1/1 tasks, 500 ms, 1 failed"
    tally.add([_change("a", TaskStatus.RUNNING, 2)])
    assert tally.text(0.5, 80) == "0/1 tasks, 500 ms: a"
    tally.add([_change("a", TaskStatus.TIMED_OUT, 2)])
    assert tally.text(0.5, 80) == "1/1 tasks, 500 ms, 1 failed"


def test_the_line_is_never_wider_than_the_terminal() -> None:
    tally = Tally(1)
    tally.add([_change("a" * 100, TaskStatus.RUNNING)])
    assert tally.text(1, 30) == "0/1 tasks, 1.0 s: " + "a" * 9 + "..."


def test_children_count_from_the_start_of_their_task_on_and_are_not_named() -> None:
    tally = Tally(2)
    tally.add([_change("step", TaskStatus.RUNNING, map_size=1000)])
    assert tally.text(1, 80) == "0/1002 tasks, 1.0 s: step [0/1000]"
    tally.add([_change("step[0]", TaskStatus.RUNNING), _change("step[1]", TaskStatus.RUNNING)])
    tally.add([_change("step[0]", TaskStatus.SUCCEEDED), _change("step[1]", TaskStatus.FAILED)])
    assert tally.text(1, 80) == "2/1002 tasks, 1.0 s, 2 tasks/s, 1 failed: step [2/1000]"
    tally.add([_change("step[1]", TaskStatus.RUNNING, 2)])
    assert tally.text(1, 80) == "1/1002 tasks, 1.0 s, 1 tasks/s: step [1/1000]"
    tally.add([_change("step[1]", TaskStatus.SUCCEEDED, 2), _change("step", TaskStatus.SUCCEEDED)])
    assert tally.text(1, 80) == "3/1002 tasks, 1.0 s, 3 tasks/s"


def test_a_batch_may_hold_the_start_and_the_end_of_a_task_and_reuse_needs_no_start() -> None:
    tally = Tally(2)
    tally.add([_change("a", TaskStatus.RUNNING), _change("a", TaskStatus.SUCCEEDED)])
    tally.add([_change("b", TaskStatus.SUCCEEDED, 0)])
    assert tally.text(1, 80) == "2/2 tasks, 1.0 s, 2 tasks/s"


def test_a_tally_remembers_no_child() -> None:
    def size_after(children: int) -> int:
        tally = Tally(1)
        tally.add([_change("step", TaskStatus.RUNNING, map_size=children)])
        for index in range(children):
            for status in (TaskStatus.RUNNING, TaskStatus.SUCCEEDED):
                tally.add([_change(f"step[{index}]", status)])
        return len(pickle.dumps(tally))

    assert size_after(10_000) < size_after(10) + 100


def test_recorded_tasks_are_counted_and_named_in_the_order_of_starting(
    make_task: Callable[..., TaskRun],
) -> None:
    running, start = TaskStatus.RUNNING, [MOMENT + timedelta(seconds=n) for n in range(3)]
    task_runs = [
        make_task("load"),
        make_task("late", running, started_at=start[2]),
        make_task("step", running, started_at=start[0], map_size=3),
        make_task("step[0]"),
        make_task("step[1]", running, started_at=start[1]),
        make_task("step[2]", TaskStatus.PENDING),
        make_task("soon", running, started_at=start[1]),
    ]
    text = Tally.of(task_runs).text(1, 80)
    assert text == "2/7 tasks, 1.0 s, 2 tasks/s: step [1/3], soon, late"


def test_recorded_failures_are_counted(make_task: Callable[..., TaskRun]) -> None:
    states = (TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.SKIPPED, TaskStatus.SUCCEEDED)
    tally = Tally.of(make_task(f"t{number}", state) for number, state in enumerate(states))
    assert tally.text(10, 80) == "4/4 tasks, 10.0 s, 2 failed, 1 skipped"
