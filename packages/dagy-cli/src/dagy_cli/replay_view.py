"""What a replayed task returned, for programs and for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from pprint import pformat
from typing import Any

from dagy_cli.render.view import Cell, Lines, View
from dagy_types import TaskRun


def replay_view(task_run: TaskRun, differences: Sequence[str], value: Any, *, width: int) -> View:
    """Return the view of a value that a task returned.

    Args:
        task_run: The task as it is recorded.
        differences: What is no longer as it was then.
        width: In columns, of the text for people.
    """
    document = {
        "run_id": task_run.run_id,
        "task_id": task_run.task_id,
        "differences": list(differences),
        "value": json_value(value),
    }
    lines = [[Cell(line)] for line in _text(value, width).split("\n")]
    return View(documents=[document], is_list=False, blocks=[Lines(lines)])


def json_value(value: Any) -> Any:
    """Return the value as JSON has it; one that JSON cannot say as Python writes it, in a text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _text(value: Any, width: int) -> str:
    if isinstance(value, (str, Path)):
        return str(value)
    return pformat(value, width=width, compact=True, sort_dicts=False)
