"""The flow of a run that is recorded, and the tasks that people name of it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from dagy_cli.parser import CommandParser
from dagy_types import Run, TaskRun
from dagy_types.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy import Flow

_TASKS_NAMED_IN_ERROR = 5


def add_flow_option(parser: CommandParser) -> None:
    """Add where the run's flow is, for when its file has moved."""
    parser.add_argument(
        "--flow", metavar="PATH.py:FLOW", help="where the run's flow is now, if it has moved"
    )


def recorded_flow(run: Run, target: str | None) -> Flow[..., Any]:
    """Import the flow of a run.

    Args:
        target: Where it is now; by default where it was when the run started.

    Raises:
        NotFoundError: When it is not there.
        UsageError: When there is another flow.
        FlowDefinitionError: When its file cannot be imported.
    """
    # Imported here: only now is it certain that the SDK is needed.
    from dagy.loader import load_flow

    if target is not None:
        flow = load_flow(target)
    elif run.source is None:
        raise NotFoundError(
            f"Run {run.run_id} did not record where its flow {run.flow_name!r} is.",
            hint="Say it with --flow PATH.py:FLOW.",
        )
    else:
        flow = _flow_at(run.source, run)
    if flow.name != run.flow_name:
        raise UsageError(
            f"Run {run.run_id} is one of flow {run.flow_name!r}; "
            f"{target or run.source} is flow {flow.name!r}.",
            hint="Say where the run's flow is with --flow PATH.py:FLOW.",
        )
    return flow


def require_task(run: Run, task_runs: Iterable[TaskRun], task_id: str) -> TaskRun:
    """Return a task of a run.

    Raises:
        NotFoundError: When it has no such task; names one with a similar id, or some that it has.
    """
    known = {task_run.task_id: task_run for task_run in task_runs}
    if task_id in known:
        return known[task_id]
    # Without the children of mapped tasks, of which there may be too many to search.
    ids = [each for each in known if not each.endswith("]")]
    near = get_close_matches(task_id, ids, n=1)
    if near:
        hint = f"Did you mean: {near[0]}"
    elif ids:
        more = ", …" if len(ids) > _TASKS_NAMED_IN_ERROR else ""
        hint = f"Its tasks: {', '.join(ids[:_TASKS_NAMED_IN_ERROR])}{more}"
    else:
        hint = "It has no tasks."
    raise NotFoundError(f"Run {run.run_id} has no task {task_id!r}.", hint=hint)


def _flow_at(source: str, run: Run) -> Flow[..., Any]:
    from dagy.loader import load_flow

    try:
        return load_flow(source)
    except NotFoundError as error:
        what = error.message.removesuffix(".")
        raise NotFoundError(
            f"{what}, where the flow of run {run.run_id} was.",
            hint="If it has moved, say where it is with --flow PATH.py:FLOW.",
        ) from error
