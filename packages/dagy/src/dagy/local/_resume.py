"""Run a flow again from where an earlier run of it got to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dagy._local_logger import LocalLogger
from dagy._resumption import FAILED, Resumption, changed_code, plan_resumption
from dagy._tracing import Graph
from dagy.local._result import RunResult
from dagy.local._run import carry_out, new_run, run_options
from dagy_types import (
    FlowSpec,
    Run,
    RunReader,
    RunRecorder,
    RunStatus,
    TaskRun,
    TaskStatus,
    mapped_position,
)
from dagy_types.errors import ConflictError, NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy._flow import Flow

_NAMED_IN_ERROR = 5


def resume_flow(
    flow: Flow[..., Any],
    run_id: str,
    *,
    reader: RunReader,
    recorder: RunRecorder,
    from_task: str | None = None,
    only_failed: bool = False,
    accept_code_change: bool = False,
    logger: LocalLogger | None = None,
    max_workers: int | None = None,
    fail_fast: bool | None = None,
    executor: str | None = None,
    new_run_id: str | None = None,
) -> RunResult:
    """Run a flow again with the parameters of an earlier run, and only what that has not done.

    It is a new run, linked to the earlier one, whose committed outputs it reuses without a copy.

    Args:
        run_id: The earlier run, which has ended in whatever way.
        reader: Where the earlier run is recorded.
        recorder: Where the new run is recorded: the same place, which keeps the reused outputs.
        from_task: A task that runs again though it succeeded, with all that builds on it.
        only_failed: Run only what failed and what builds on it; skip what had never started.
        accept_code_change: Reuse outputs even if the code that made them has changed since.
        logger: As for `run_flow`, and so are the rest.
        new_run_id: What the new run is called; by default a new id.

    Raises:
        NotFoundError: When there is no such run, or no such task.
        ConflictError: When the run has not ended, is being resumed, has nothing left to do, or
            crashed before it took over what it was to resume; when nothing failed and only that is
            to run; when the code has changed.
        UsageError: When ``from_task`` and ``only_failed`` are given together, or it is another
            flow's run.
    """
    options = run_options(flow, max_workers=max_workers, fail_fast=fail_fast, executor=executor)
    if from_task is not None and only_failed:
        raise UsageError(
            "from_task and only_failed cannot be used together.", hint="Leave out one of them."
        )
    run = _resumable(flow, reader.get_run(run_id), from_task)
    parameters = flow.parse_parameters({}, run.parameters)
    graph = flow.trace(parameters)
    task_runs = reader.list_task_runs(run_id)
    _require_beginning(run, task_runs, reader)
    _require_task(graph.spec, task_runs, from_task)
    if only_failed:
        _require_failure(run_id, task_runs)
    resumption = _resumption(
        run,
        task_runs,
        graph,
        reader,
        from_task=from_task,
        only_failed=only_failed,
        accept_code_change=accept_code_change,
    )
    return carry_out(
        flow,
        graph,
        parameters,
        new_run(flow, run.parameters, run_id=new_run_id, resumed_from=run_id),
        options,
        recorder=recorder,
        logger=logger,
        resumption=resumption,
    )


def _resumable(flow: Flow[..., Any], run: Run, from_task: str | None) -> Run:
    if run.flow_name != flow.name:
        raise UsageError(
            f"Run {run.run_id} is one of flow {run.flow_name!r}, not of {flow.name!r}.",
            hint="Resume it with the flow that it ran.",
        )
    if not run.status.is_terminal:
        raise ConflictError(
            f"Run {run.run_id} is {run.status} and cannot be resumed.",
            hint=f"Wait for its end: dagy runs watch {run.run_id}",
        )
    if run.status is RunStatus.SUCCEEDED and from_task is None:
        raise ConflictError(
            f"Run {run.run_id} succeeded: there is nothing left to do.",
            hint="Name the task to start from, or run the flow anew.",
        )
    return run


def _resumption(
    run: Run,
    task_runs: Sequence[TaskRun],
    graph: Graph,
    reader: RunReader,
    *,
    from_task: str | None,
    only_failed: bool,
    accept_code_change: bool,
) -> Resumption:
    recorded = reader.get_flow_spec(run.run_id)
    resumption = plan_resumption(
        recorded,
        task_runs,
        graph.spec,
        from_task=from_task,
        only_failed=only_failed,
    )
    changes = changed_code(recorded, graph.spec, resumption.origins)
    if changes and not accept_code_change:
        shown = ", ".join(changes[:_NAMED_IN_ERROR])
        more = f" and {len(changes) - _NAMED_IN_ERROR} more" if changes[_NAMED_IN_ERROR:] else ""
        raise ConflictError(
            f"Since run {run.run_id} the code has changed of: {shown}{more}.",
            hint="To reuse what the older code made all the same: --accept-code-change "
            "(in Python, accept_code_change=True).",
        )
    outputs = dict(reader.read_outputs(run.run_id, resumption.needed))
    return resumption._replace(outputs=outputs)


def _require_beginning(run: Run, task_runs: Sequence[TaskRun], reader: RunReader) -> None:
    """Refuse a run that would lose what the run that it resumed had done."""
    earlier = run.resumed_from
    if earlier is None or any(each.status is not TaskStatus.PENDING for each in task_runs):
        return
    if any(each.status is TaskStatus.SUCCEEDED for each in reader.list_task_runs(earlier)):
        raise ConflictError(
            f"Run {run.run_id} ended before it took over anything from run {earlier}.",
            hint=f"Resume that one: dagy runs resume {earlier}",
        )


def _require_failure(run_id: str, task_runs: Sequence[TaskRun]) -> None:
    if not any(each.status in FAILED for each in task_runs):
        raise ConflictError(
            f"No task of run {run_id} failed, so there is nothing to run with only_failed.",
            hint=f"To run all that it has not done: dagy runs resume {run_id}",
        )


def _require_task(spec: FlowSpec, task_runs: Sequence[TaskRun], task_id: str | None) -> None:
    if task_id is None:
        return
    known = {task.task_id: task.is_mapped for task in spec.tasks}
    position = mapped_position(task_id)
    if position is not None:
        is_child = any(each.task_id == task_id for each in task_runs)
        is_known = is_child and known.get(position[0], False)
    else:
        is_known = task_id in known
    if not is_known:
        ids = list(known)
        shown = ", ".join(ids[:_NAMED_IN_ERROR]) + (", …" if ids[_NAMED_IN_ERROR:] else "")
        raise NotFoundError(
            f"Flow {spec.name!r} has no task {task_id!r}.", hint=f"Its tasks: {shown}"
        )
