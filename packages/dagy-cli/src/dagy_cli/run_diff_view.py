"""The differences of two runs, for programs and for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dagy_cli.render.cells import counted, duration_text
from dagy_cli.render.view import Cell, Column, Lines, Table, View
from dagy_cli.run_diff import Difference, RunDiff, TaskDiff
from dagy_types import mapped_position

_MOST_CHILDREN = 10  # of one mapped task
_HASH_LENGTH = 12

_Row = tuple[str, str, str, str]


def run_diff_view(diff: RunDiff) -> View:
    """Return the view of a comparison: every task as data, those that differ for people."""
    rows = list(_rows(diff))
    titles = ("TASK", "WHAT", diff.a.run_id, diff.b.run_id)
    columns = tuple(Column(title, is_flexible=index > 1) for index, title in enumerate(titles))
    table = Table(columns, [[Cell(text) for text in row] for row in rows])
    return View(
        documents=[run_diff_document(diff)],
        is_list=False,
        blocks=[table, Lines([[Cell(line)] for line in _summary(diff)])],
    )


def run_diff_document(diff: RunDiff) -> dict[str, Any]:
    """Return the JSON object of a comparison."""
    first = diff.first_divergent
    return {
        "run_a": diff.a.run_id,
        "run_b": diff.b.run_id,
        "is_same": diff.is_same,
        "first_divergent_task": None if first is None else first.task_id,
        "duration_seconds": {"a": diff.a.duration_seconds, "b": diff.b.duration_seconds},
        "differences": [_difference_document(each) for each in diff.differences],
        "tasks": [_task_document(task) for task in diff.tasks],
    }


def _difference_document(difference: Difference) -> dict[str, Any]:
    return {
        "what": difference.what,
        "name": difference.name,
        "a": difference.a,
        "b": difference.b,
    }


def _task_document(task: TaskDiff) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "in": task.presence,
        "is_same": task.is_same,
        "differences": [_difference_document(each) for each in task.differences],
        "duration_seconds": {"a": task.durations[0], "b": task.durations[1]},
    }


def _rows(diff: RunDiff) -> Iterator[_Row]:
    for difference in diff.differences:
        yield _row("(run)", difference)
    for task in _shown(diff.tasks):
        if isinstance(task, int):
            yield "...", f"{task} more", "", ""
        else:
            yield from _task_rows(task)


def _shown(tasks: Iterable[TaskDiff]) -> Iterator[TaskDiff | int]:
    """Yield the tasks that differ; of many children the first, then how many more there are."""
    hidden, listed, parent = 0, 0, None
    for task in tasks:
        position = mapped_position(task.task_id)
        group = task.task_id if position is None else position[0]
        if group != parent:
            if hidden:
                yield hidden
            hidden, listed, parent = 0, 0, group
        if task.is_same:
            continue
        if position is not None:
            listed += 1
        if listed <= _MOST_CHILDREN:
            yield task
        else:
            hidden += 1
    if hidden:
        yield hidden


def _task_rows(task: TaskDiff) -> Iterator[_Row]:
    if task.presence != "both":
        here = ("only here", "-") if task.presence == "a" else ("-", "only here")
        yield task.task_id, "task", *here
        return
    for difference in task.differences:
        yield _row(task.task_id, difference)
    yield task.task_id, "(duration)", _duration(task.durations[0]), _duration(task.durations[1])


def _row(task_id: str, difference: Difference) -> _Row:
    what = difference.what.replace("_", " ")
    if difference.name is not None:
        what = f"{what} {difference.name}"
    if difference.what == "output":
        return task_id, what, *_output_texts(difference)
    return task_id, what, _text(difference, difference.a), _text(difference, difference.b)


def _output_texts(difference: Difference) -> tuple[str, str]:
    a, b = ("-" if each is None else counted(each, "byte") for each in (difference.a, difference.b))
    return (a, b) if a != b else (a, "same size, other bytes")


def _text(difference: Difference, value: Any) -> str:
    if value is None and difference.what != "parameter":
        return "-"
    if difference.what in ("code", "flow_code"):
        return str(value)[:_HASH_LENGTH]
    if difference.what == "depends_on":
        return ", ".join(value) or "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else duration_text(seconds)


def _summary(diff: RunDiff) -> Iterator[str]:
    total, differing = len(diff.tasks), sum(not task.is_same for task in diff.tasks)
    runs = f"Runs {diff.a.run_id} and {diff.b.run_id}"
    if diff.is_same:
        yield f"{runs} are the same: {counted(total, 'task')}."
    else:
        yield f"{runs} differ: {differing} of {counted(total, 'task')}."
    if diff.first_divergent is not None:
        yield f"First task that differs: {diff.first_divergent.task_id}"
    yield (
        f"Durations: {_duration(diff.a.duration_seconds)} and {_duration(diff.b.duration_seconds)}"
    )
