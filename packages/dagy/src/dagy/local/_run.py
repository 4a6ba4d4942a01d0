"""Run a flow in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagy._engine import execute
from dagy._flow_options import EXECUTORS
from dagy._hook_calls import FlowHooks
from dagy._local_logger import LocalLogger
from dagy._resumption import Resumption
from dagy._run_options import RunOptions, default_max_workers
from dagy._serializers import Serializers
from dagy._settings import max_output_bytes
from dagy._surroundings import surroundings
from dagy._tracing import Graph
from dagy.local._result import RunResult
from dagy_types import Run, RunRecorder, RunStatus
from dagy_types.errors import UsageError

if TYPE_CHECKING:
    from dagy._flow import Flow

_LETTERS = "abcdefghjkmnpqrstvwxyz"
_ID_ALPHABET = "0123456789" + _LETTERS  # without i, l, o and u: easy to read out and to type


def run_flow(
    flow: Flow[..., Any],
    parameters: Mapping[str, Any],
    *,
    recorder: RunRecorder,
    logger: LocalLogger | None = None,
    max_workers: int | None = None,
    fail_fast: bool | None = None,
    executor: str | None = None,
    run_id: str | None = None,
) -> RunResult:
    """Run a flow and record it; a run whose tasks fail is returned, not raised.

    Args:
        parameters: The flow's parameters; defaults are filled in.
        recorder: Where the run is recorded.
        logger: Where its log lines go besides.
        max_workers: How many tasks may run at once; by default what the flow says, and else
            ``min(32, CPUs + 4)``.
        fail_fast: Whether the first failure ends the run; by default what the flow says.
        executor: What tasks run in, ``threads`` or ``processes``; by default what the flow says.
        run_id: What the run is called; by default a new id.

    Raises:
        UsageError: When a parameter, ``max_workers`` or ``executor`` is wrong.
        ConfigError: When ``DAGY_LOCAL_ARTIFACT_MAX_BYTES`` is no size.
        FlowDefinitionError: When the graph cannot be traced.
        ConflictError: When there is a run with this id.
        StoreError: When the run cannot be recorded.
        KeyboardInterrupt: On SIGINT, once all is recorded.
    """
    options = run_options(flow, max_workers=max_workers, fail_fast=fail_fast, executor=executor)
    complete = flow.parameters.complete(parameters)
    recorded = flow.parameters.to_json(complete)
    return carry_out(
        flow,
        flow.trace(complete),
        complete,
        new_run(flow, recorded, run_id=run_id),
        options,
        recorder=recorder,
        logger=logger,
    )


def run_options(
    flow: Flow[..., Any],
    *,
    max_workers: int | None,
    fail_fast: bool | None,
    executor: str | None,
) -> RunOptions:
    """Return how a run is carried out: as asked for, else as the flow says.

    Raises:
        UsageError: When ``max_workers`` or ``executor`` is wrong.
        ConfigError: When ``DAGY_LOCAL_ARTIFACT_MAX_BYTES`` is no size.
    """
    if max_workers is not None and (type(max_workers) is not int or max_workers < 1):
        raise UsageError(f"max_workers must be a whole number from 1; got {max_workers!r}.")
    if executor is not None and executor not in EXECUTORS:
        raise UsageError(
            f"There is no executor {executor!r}.", hint=f"Choose one of {', '.join(EXECUTORS)}."
        )
    options = flow.options
    return RunOptions(
        max_workers=max_workers or options.max_workers or default_max_workers(),
        fail_fast=options.fail_fast if fail_fast is None else fail_fast,
        max_output_bytes=max_output_bytes(os.environ),
        timeout_seconds=options.timeout_seconds,
        executor=executor or options.executor,
        retries=options.retries,
        retry_delays=options.delays,
        retry_jitter_factor=options.retry_jitter_factor,
        retry_condition_fn=options.retry_condition_fn,
    )


def new_run(
    flow: Flow[..., Any],
    parameters: Mapping[str, Any],
    *,
    run_id: str | None,
    resumed_from: str | None = None,
) -> Run:
    """Return the record of a run that starts now."""
    moment = surroundings().clock.now()
    return Run(
        run_id=_new_run_id() if run_id is None else run_id,
        flow_name=flow.name,
        flow_version=flow.version,
        status=RunStatus.RUNNING,
        created_at=moment,
        started_at=moment,
        parameters=parameters,
        source=_source(flow),
        resumed_from=resumed_from,
        environment=environment(),
    )


def carry_out(
    flow: Flow[..., Any],
    graph: Graph,
    parameters: Mapping[str, Any],
    run: Run,
    options: RunOptions,
    *,
    recorder: RunRecorder,
    logger: LocalLogger | None,
    resumption: Resumption | None = None,
) -> RunResult:
    """Execute a traced flow, and return what became of it."""
    serializers = serializers_of(graph)
    ended = execute(
        graph,
        run,
        options,
        recorder=recorder,
        logger=logger or surroundings().make_logger(),
        serializers=serializers,
        hooks=FlowHooks(
            on_running=tuple(flow.options.on_running or ()),
            on_completion=tuple(flow.options.on_completion or ()),
            on_failure=tuple(flow.options.on_failure or ()),
            on_retry=tuple(flow.options.on_retry or ()),
            parameters=parameters,
        ),
        resumption=resumption,
        clock=surroundings().clock,
    )
    return RunResult(run.run_id, ended, graph.result, serializers)


def serializers_of(graph: Graph) -> Serializers:
    """Return the serializers that the tasks of a graph use."""
    return Serializers(task.options.writer for task in graph.tasks)


def environment() -> dict[str, str]:
    """Return what a run runs on, as it is recorded."""
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "platform": sys.platform,
        "machine": os.uname().machine,
    }


def _source(flow: Flow[..., Any]) -> str | None:
    path = Path(flow.function.__code__.co_filename)
    return f"{path.resolve()}:{flow.name}" if path.is_file() else None


def _new_run_id() -> str:
    # 59 random bits: a random start lets the first six characters name a run. A letter comes first,
    # so that no id reads as a number or an option.
    first, *others = os.urandom(12)
    return _pick(_LETTERS, first) + "".join(_pick(_ID_ALPHABET, each) for each in others)


def _pick(letters: str, number: int) -> str:
    return letters[number % len(letters)]
