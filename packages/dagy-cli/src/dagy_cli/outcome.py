"""What became of a run: the same answer for the run just made and for the one watched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagy_cli.app import Answer
from dagy_cli.exit_codes import run_exit_code
from dagy_cli.failure import complaint_lines
from dagy_cli.render.cells import duration_text, shortened
from dagy_cli.render.view import Cell, Lines, Surface, View
from dagy_cli.run_views import hidden_line, run_with_tasks_document, tasks_table
from dagy_cli.task_groups import ENDED_BADLY, TaskGroup, groups_of
from dagy_types import Run, RunStatus, TaskRun, TaskStatus

_LONGEST_VALUE = 200
_MOST_TASKS = 50


def outcome_answer(run: Run, task_runs: Sequence[TaskRun], *, value: Any = None) -> Answer:
    """Return a run that has ended, with the exit code that its outcome has.

    Args:
        value: What the flow returned, where that is known.
    """
    return Answer(
        outcome_view(run, task_runs, value=value),
        exit_code=run_exit_code(run.status, run.reason),
        complaints=_complaints(run, task_runs),
    )


def outcome_view(run: Run, task_runs: Sequence[TaskRun], *, value: Any = None) -> View:
    """Return a run's tasks and how it stands."""
    groups = groups_of(task_runs)
    shown = worth_showing(groups)
    more = hidden_line(run, groups, shown)
    lines = [_outcome(run, task_runs)]
    if more is not None:
        lines.insert(0, more)
    if value is not None:
        lines.append(f"Result: {result_text(value)}")
    return View(
        documents=[run_with_tasks_document(run, task_runs)],
        is_list=False,
        blocks=[tasks_table(shown), Lines([[Cell(line)] for line in lines])],
        name_field="run_id",
    )


def worth_showing(groups: Sequence[TaskGroup]) -> Sequence[TaskGroup]:
    """Return all tasks of a small run; of a large one those that did not succeed, the first few."""
    if len(groups) <= _MOST_TASKS:
        return groups
    return [each for each in groups if each.task.status is not TaskStatus.SUCCEEDED][:_MOST_TASKS]


def result_text(value: Any) -> str:
    """Return what a flow returned, for people: text and paths bare, anything else short."""
    if isinstance(value, (str, Path)):
        return str(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # more than JSON can say: a date, a set, a dataclass
        text = repr(value)
    return shortened(text, _LONGEST_VALUE, Surface(is_unicode=False))


def _outcome(run: Run, task_runs: Sequence[TaskRun]) -> str:
    succeeded = sum(task_run.status is TaskStatus.SUCCEEDED for task_run in task_runs)
    took = "" if run.duration_seconds is None else f" in {duration_text(run.duration_seconds)}"
    count = f"{succeeded} of {len(task_runs)} tasks succeeded"
    reused = sum(task_run.origin is not None for task_run in task_runs)
    without_running = f", {reused} of them without running" if reused else ""
    return f"Run {run.run_id} {run.status}{took}: {count}{without_running}."


def _complaints(run: Run, task_runs: Sequence[TaskRun]) -> tuple[str, ...]:
    if run.status is RunStatus.SUCCEEDED:
        return ()
    # A mapped task fails because its children do: it is no failure more.
    failures = [each for each in task_runs if each.status in ENDED_BADLY and each.map_size is None]
    others = len(failures) - 1
    more = f" (and {others} more)" if others > 0 else ""
    what = run.error or f"Run {run.run_id} is {run.status}."
    short = shortened(what, _LONGEST_VALUE, Surface(is_unicode=False))
    return complaint_lines(f"{short}{more}", f"See: dagy logs {run.run_id}")
