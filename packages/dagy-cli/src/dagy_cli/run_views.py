"""Runs and their tasks as views: the same for the run just made and for the one looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from dagy_cli.render.cells import (
    counted,
    duration_cell,
    run_status_cell,
    task_status_cell,
    time_cell,
)
from dagy_cli.render.view import Cell, Column, Fields, Table, View
from dagy_cli.task_groups import TaskGroup
from dagy_types import Run, TaskRun, run_document, task_run_document


def run_with_tasks_document(run: Run, task_runs: Sequence[TaskRun]) -> dict[str, Any]:
    """Return the JSON object of a run, with its tasks under ``tasks``."""
    return run_document(run) | {"tasks": [task_run_document(task_run) for task_run in task_runs]}


def runs_table(runs: Sequence[Run]) -> Table:
    """Return a row for each run."""
    titles = ("RUN", "FLOW", "STATUS", "CREATED", "DURATION")
    rows = [
        (
            Cell(run.run_id),
            Cell(run.flow_name),
            run_status_cell(run),
            time_cell(run.created_at),
            duration_cell(run.duration_seconds),
        )
        for run in runs
    ]
    return Table(tuple(Column(title, is_flexible=title == "FLOW") for title in titles), rows)


def tasks_table(groups: Sequence[TaskGroup], *, lists_children: bool = False) -> Table:
    """Return a row for each task; there is a column of notes only when there are notes.

    Args:
        lists_children: Give each child of a mapped task a row, not only the first that failed.
    """
    columns = [Column(title) for title in ("TASK", "STATUS", "ATTEMPT", "DURATION")]
    rows = [row for group in groups for row in _rows(group, lists_children)]
    if any(row[-1].text for row in rows):
        columns.append(Column("NOTE", is_flexible=True))
    return Table(tuple(columns), [row[: len(columns)] for row in rows])


def hidden_line(run: Run, groups: Sequence[TaskGroup], shown: Sequence[TaskGroup]) -> str | None:
    """Return how many tasks have no row in the table of the shown groups, and where they have one.

    Args:
        groups: Those of the whole run.
    """
    total = sum(1 + len(group.children) for group in groups)
    rows = sum(1 + len(group.shown_children(lists_all=False)) for group in shown)
    if rows == total:
        return None
    option = " --children" if any(group.children for group in groups) else ""
    return f"{counted(total - rows, 'more task')}: dagy runs show {run.run_id}{option}"


def run_view(run: Run) -> View:
    """Return a run without its tasks as an answer."""
    return View(
        documents=[run_document(run)],
        is_list=False,
        blocks=[run_fields(run)],
        name_field="run_id",
    )


def run_fields(run: Run) -> Fields:
    """Return what there is to say of a run itself."""
    pairs = [
        ("Run", Cell(run.run_id)),
        ("Flow", Cell(f"{run.flow_name} (version {run.flow_version})")),
        ("Status", run_status_cell(run)),
        ("Created", time_cell(run.created_at)),
        ("Started", time_cell(run.started_at)),
        ("Ended", time_cell(run.ended_at)),
        ("Duration", duration_cell(run.duration_seconds)),
        ("Parameters", Cell(json.dumps(dict(run.parameters), ensure_ascii=False))),
        ("Source", Cell(run.source or "")),
        ("Environment", Cell(_environment(run))),
        ("Resumed from", Cell(run.resumed_from or "")),
        ("Error", Cell(run.error or "")),
    ]
    return Fields([(name, cell) for name, cell in pairs if cell.text])


def _rows(group: TaskGroup, lists_children: bool) -> Iterator[list[Cell]]:
    yield _row(group.task, _group_note(group))
    shown = group.shown_children(lists_all=lists_children)
    for child in shown:
        yield _row(child, _note(child))
    hidden = 0 if lists_children else len(group.failures) - len(shown)
    if hidden:
        more = [Cell("..."), Cell(""), Cell(""), Cell(""), Cell(f"{hidden} more failed")]
        yield more


def _row(task_run: TaskRun, note: str) -> list[Cell]:
    return [
        Cell(task_run.task_id),
        task_status_cell(task_run),
        Cell(str(task_run.attempt) if task_run.attempt else "-"),
        duration_cell(task_run.duration_seconds),
        Cell(note),
    ]


def _group_note(group: TaskGroup) -> str:
    note, progress = _note(group.task), group.progress
    if progress is None:
        return note
    count = f"{progress[0]}/{progress[1]} done"
    return f"{count}: {note}" if note else count


def _note(task_run: TaskRun) -> str:
    if task_run.origin is not None:
        return f"{task_run.origin.reason} from {task_run.origin.run_id}"
    return task_run.error or ""


def _environment(run: Run) -> str:
    python, platform = run.environment.get("python"), run.environment.get("platform")
    return " on ".join(each for each in (python and f"Python {python}", platform) if each)
