"""Run a flow in this process."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagy._engine import execute, utc_now
from dagy._hook_calls import FlowHooks
from dagy._local_logger import LocalLogger
from dagy._run_options import Ended, RunOptions, default_max_workers
from dagy._serializers import Serializers
from dagy._settings import max_output_bytes
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy_types import FailureReason, Run, RunRecorder, RunStatus
from dagy_types.errors import TaskFailedError, UsageError

if TYPE_CHECKING:
    from dagy._flow import Flow

_LETTERS = "abcdefghjkmnpqrstvwxyz"
_ID_ALPHABET = "0123456789" + _LETTERS  # without i, l, o and u: easy to read out and to type


class RunResult:
    """A run that has ended and is recorded.

    Attributes:
        run_id: Under which ``dagy runs show`` and ``dagy logs`` find it.
        status: ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``.
        reason: Why it is ``FAILED``, unless a task's own error is why.
        error: One line for people; ``None`` when it succeeded.
    """

    def __init__(self, run_id: str, ended: Ended, template: Any, serializers: Serializers) -> None:
        self.run_id = run_id
        self.status: RunStatus = ended.status
        self.reason: FailureReason | None = ended.reason
        self.error = ended.error
        self._ended = ended
        self._template = template
        self._serializers = serializers

    def __repr__(self) -> str:
        return f"<RunResult {self.run_id} {self.status}>"

    def result(self) -> Any:
        """Return the flow's value, a new copy with each call.

        Raises:
            TaskFailedError: When the run did not succeed.
        """
        self.raise_for_status()

        def restore(placeholder: TaskOutput) -> Any:
            return self._serializers.restore(self._ended.outputs[placeholder.task_id])

        return rebuild(self._template, restore)

    def raise_for_status(self) -> None:
        """Do nothing if the run succeeded.

        Raises:
            TaskFailedError: When it did not; its cause is what the first failed task raised.
        """
        if self.status is RunStatus.SUCCEEDED:
            return
        raise TaskFailedError(
            f"Run {self.run_id} did not succeed: {self.error}",
            hint=f"See: dagy logs {self.run_id}",
            run_id=self.run_id,
            task_id=self._ended.failed_task_id or "",
        ) from self._ended.failure


def run_flow(
    flow: Flow[..., Any],
    parameters: Mapping[str, Any],
    *,
    recorder: RunRecorder,
    logger: LocalLogger | None = None,
    max_workers: int | None = None,
    fail_fast: bool | None = None,
) -> RunResult:
    """Run a flow and record it; a run whose tasks fail is returned, not raised.

    Args:
        parameters: The flow's parameters; defaults are filled in.
        recorder: Where the run is recorded.
        logger: Where its log lines go besides.
        max_workers: How many tasks may run at once; by default what the flow says, and else
            ``min(32, CPUs + 4)``.
        fail_fast: Whether the first failure ends the run; by default what the flow says.

    Raises:
        UsageError: When a parameter or ``max_workers`` is wrong.
        ConfigError: When ``DAGY_LOCAL_ARTIFACT_MAX_BYTES`` is no size.
        FlowDefinitionError: When the graph cannot be traced.
        StoreError: When the run cannot be recorded.
        KeyboardInterrupt: On SIGINT, once all is recorded.
    """
    workers = max_workers or flow.options.max_workers or default_max_workers()
    if max_workers is not None and (type(max_workers) is not int or max_workers < 1):
        raise UsageError(f"max_workers must be a whole number from 1; got {max_workers!r}.")
    options = RunOptions(
        max_workers=workers,
        fail_fast=flow.options.fail_fast if fail_fast is None else fail_fast,
        max_output_bytes=max_output_bytes(os.environ),
        timeout_seconds=flow.options.timeout_seconds,
    )
    complete = flow.parameters.complete(parameters)
    recorded = flow.parameters.to_json(complete)
    graph = flow.trace(complete)
    serializers = Serializers(call.task.options.writer for call in graph.calls.values())
    moment = utc_now()
    run = Run(
        run_id=_new_run_id(),
        flow_name=flow.name,
        flow_version=flow.version,
        status=RunStatus.RUNNING,
        created_at=moment,
        started_at=moment,
        parameters=recorded,
    )
    ended = execute(
        graph,
        run,
        options,
        recorder=recorder,
        logger=logger or LocalLogger.from_environment(),
        serializers=serializers,
        hooks=FlowHooks(
            on_running=tuple(flow.options.on_running or ()),
            on_completion=tuple(flow.options.on_completion or ()),
            on_failure=tuple(flow.options.on_failure or ()),
            parameters=complete,
        ),
    )
    return RunResult(run.run_id, ended, graph.result, serializers)


def _new_run_id() -> str:
    # 57 random bits: a random start lets the first six characters name a run. A letter comes first,
    # so that no id reads as a number or an option.
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_ID_ALPHABET) for _ in range(11))
