"""Runs and their tasks as views: the same for the run just made and for the one looked up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dagy_cli.render.cells import duration_cell, run_status_cell, task_status_cell, time_cell
from dagy_cli.render.view import Cell, Column, Fields, Table
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


def tasks_table(task_runs: Sequence[TaskRun]) -> Table:
    """Return a row for each task; there is a column of errors only when there are errors."""
    columns = [Column(title) for title in ("TASK", "STATUS", "ATTEMPT", "DURATION")]
    rows = [
        [
            Cell(task_run.task_id),
            task_status_cell(task_run),
            Cell(str(task_run.attempt) if task_run.attempt else "-"),
            duration_cell(task_run.duration_seconds),
        ]
        for task_run in task_runs
    ]
    if any(task_run.error for task_run in task_runs):
        columns.append(Column("ERROR", is_flexible=True))
        for row, task_run in zip(rows, task_runs, strict=True):
            row.append(Cell(task_run.error or ""))
    return Table(tuple(columns), rows)


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
    ]
    if run.error is not None:
        pairs.append(("Error", Cell(run.error)))
    return Fields(pairs)
