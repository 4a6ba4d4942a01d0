"""Conditions on which a task runs, decided by what another task returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dagy._task_output import TaskOutput


class Condition(NamedTuple):
    """A task runs only if the value, once it is known, is true; or only if it is false.

    Attributes:
        name: What the author calls the condition: ``run_if`` or ``skip_if``.
        runs_when: For which of the two the task runs.
    """

    name: str
    output: TaskOutput
    runs_when: bool


def why_skipped(
    conditions: Sequence[Condition], value_of: Callable[[TaskOutput], Any]
) -> str | None:
    """Return why the task does not run, or nothing when it does.

    What ``value_of`` and the values themselves raise is passed on.
    """
    for condition in conditions:
        value = bool(value_of(condition.output))
        if value is not condition.runs_when:
            what = "true" if value else "false"
            return f"{condition.name}: what {condition.output.task_id!r} returned is {what}."
    return None
