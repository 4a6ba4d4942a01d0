"""The loop that runs a graph.

One coordinator, in the caller's thread, owns all state. Each turn it

1. **selects** tasks that are ready, as many as there are free slots,
2. **records** what changed, ended attempts and starting ones, in one transaction,
3. **submits** the selected tasks to the executor,
4. **waits** for something to happen and applies it.

Because 2 comes before 3, no task starts before everything that it builds on is durable, and before
its own start is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum, auto
from queue import Empty, SimpleQueue
from time import monotonic

from dagy._attempt import attempt_call
from dagy._capture import captured
from dagy._executors.threads import ThreadExecutor
from dagy._failure import formatted_traceback, summary
from dagy._interrupts import deferred_signals
from dagy._local_logger import ENGINE_LOGGER, LocalLogger
from dagy._output_shelf import OutputShelf
from dagy._plan import Plan
from dagy._serializer import JsonSerializer
from dagy._tracing import Graph
from dagy_types import (
    Attempt,
    AttemptResult,
    Executor,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunRecorder,
    RunStatus,
    TaskStatus,
    TaskTransition,
)

# A signal that the kernel hands to another thread does not wake the main thread from its wait, so
# waits are bounded: this is how late such a Ctrl-C can be noticed.
_LONGEST_WAIT_SECONDS = 0.2


class _Signal(Enum):
    INTERRUPT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is carried out.

    Attributes:
        max_workers: How many tasks may run at once.
        fail_fast: Whether the first failure stops the run.
        max_output_bytes: A task whose encoded output is larger fails.
        grace_seconds: How long running tasks may go on once the run is to stop.
    """

    max_workers: int
    fail_fast: bool
    max_output_bytes: int
    grace_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended.

    Attributes:
        outputs: Of the tasks that the flow's result is built from, as far as they succeeded.
        failed_task_id: The task that failed first.
        failure: What that task raised.
    """

    status: RunStatus
    error: str | None
    outputs: dict[str, Output]
    failed_task_id: str | None
    failure: BaseException | None


def default_max_workers() -> int:
    """Return how many tasks run at once when nobody says otherwise."""
    return min(32, (os.cpu_count() or 1) + 4)


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(timezone.utc)


def execute(
    graph: Graph,
    run: Run,
    options: RunOptions,
    *,
    recorder: RunRecorder,
    logger: LocalLogger,
    now: Callable[[], datetime] = utc_now,
) -> Ended:
    """Run a graph to its end; everything about it is recorded when this returns.

    The first SIGINT or SIGTERM stops the run: nothing more starts, and running tasks have the grace
    period to finish. A second one ends that period at once.

    Args:
        run: The record to create, in status ``RUNNING``.

    Raises:
        StoreError: When the recorder cannot write; the run then counts as crashed.
        KeyboardInterrupt: After the run has been recorded, when SIGINT arrived during it.
    """
    coordinator = _Coordinator(graph, run, options, recorder=recorder, logger=logger, now=now)
    with deferred_signals(coordinator.interrupt), captured():
        return coordinator.run()


class _Coordinator:
    """Owns the state of one run; see the module's docstring for what `run` does."""

    def __init__(
        self,
        graph: Graph,
        run: Run,
        options: RunOptions,
        *,
        recorder: RunRecorder,
        logger: LocalLogger,
        now: Callable[[], datetime],
    ) -> None:
        self._graph = graph
        self._run = run
        self._options = options
        self._recorder = recorder
        self._logger = logger
        self._now = now
        self._inbox: SimpleQueue[AttemptResult | LogRecord | _Signal] = SimpleQueue()
        self._executor: Executor = ThreadExecutor(
            options.max_workers, deliver=self._inbox.put, now=now
        )
        self._serializer = JsonSerializer()
        self._plan = Plan(graph.spec)
        self._outputs = OutputShelf(graph.spec)
        self._running: set[str] = set()
        self._deadline: float | None = None  # set when the run is to stop
        self._was_interrupted = False
        self._was_abandoned = False
        self._is_complete = True  # every task so far succeeded
        self._failed_task_id: str | None = None
        self._failure: BaseException | None = None

    def interrupt(self) -> None:
        """Stop the run; called from a signal handler."""
        self._inbox.put(_Signal.INTERRUPT)  # the one thing that is safe to do there

    def run(self) -> Ended:
        """Select, record, submit, wait; until nothing runs and nothing can start."""
        self._recorder.create_run(self._run, self._graph.spec)
        changes: list[TaskTransition] = []
        try:
            while True:
                selected = self._select()
                changes += [
                    self._transition(task_id, TaskStatus.RUNNING, attempt=1) for task_id in selected
                ]
                if changes:
                    self._recorder.record_tasks(self._run.run_id, changes)
                for task_id in selected:
                    self._submit(task_id)
                if not self._running:
                    break
                changes = self._wait()
        finally:
            self._executor.close(wait=not (self._running or self._was_abandoned))
        return self._finish()

    def _select(self) -> list[str]:
        selected = self._plan.take_ready(self._options.max_workers - len(self._running))
        self._running.update(selected)
        return selected

    def _submit(self, task_id: str) -> None:
        call = attempt_call(
            self._graph.calls[task_id],
            inputs=self._outputs.inputs_of(task_id),
            serializer=self._serializer,
            run_id=self._run.run_id,
            task_id=task_id,
            number=1,
            emit=self._inbox.put,
            now=self._now,
            max_output_bytes=self._options.max_output_bytes,
        )
        self._executor.submit(Attempt(task_id, 1, call))

    def _wait(self) -> list[TaskTransition]:
        """Wait for events, apply all that are there, and return what changed."""
        changes: list[TaskTransition] = []
        logs: list[LogRecord] = []
        for event in self._events():
            if isinstance(event, LogRecord):
                logs.append(event)
            elif isinstance(event, AttemptResult):
                changes += self._apply(event, logs)
            else:
                changes += self._apply_interrupt(logs)
        if self._deadline is not None and monotonic() >= self._deadline:
            changes += self._abandon()
        if logs:
            self._logger.write(self._recorder, self._run.run_id, logs)
        return changes

    def _events(self) -> Iterator[AttemptResult | LogRecord | _Signal]:
        timeout = _LONGEST_WAIT_SECONDS
        if self._deadline is not None:
            timeout = min(timeout, max(0.0, self._deadline - monotonic()))
        try:
            yield self._inbox.get(timeout=timeout)
            for _ in range(self._inbox.qsize()):  # what arrives meanwhile is for the next turn
                yield self._inbox.get_nowait()
        except Empty:
            return  # the loop looks again

    def _apply(self, result: AttemptResult, logs: list[LogRecord]) -> list[TaskTransition]:
        self._running.discard(result.task_id)
        if isinstance(result.outcome, Output):
            return [self._apply_success(result, result.outcome)]
        return self._apply_failure(result, result.outcome, logs)

    def _apply_success(self, result: AttemptResult, output: Output) -> TaskTransition:
        self._plan.succeed(result.task_id)
        self._outputs.put(result.task_id, output)
        return TaskTransition(
            result.task_id,
            TaskStatus.SUCCEEDED,
            at=result.ended_at,
            attempt=result.number,
            output=output,
        )

    def _apply_failure(
        self, result: AttemptResult, error: BaseException, logs: list[LogRecord]
    ) -> list[TaskTransition]:
        task_id, ended_at = result.task_id, result.ended_at
        self._is_complete = False
        if self._failed_task_id is None:
            self._failed_task_id, self._failure = task_id, error
        logs.append(self._log_record("ERROR", formatted_traceback(error), ended_at, result))
        reason = f"Task {task_id!r} failed."
        changes = [
            TaskTransition(task_id, TaskStatus.FAILED, ended_at, result.number, summary(error)),
            *(
                self._transition(each, TaskStatus.SKIPPED, error=reason)
                for each in self._plan.fail(task_id)
            ),
        ]
        if self._options.fail_fast:
            changes += self._stop(f"The run stopped after task {task_id!r} failed.")
        return changes

    def _apply_interrupt(self, logs: list[LogRecord]) -> list[TaskTransition]:
        if self._was_interrupted:
            self._deadline = monotonic()
        elif self._running:
            message = (
                f"Interrupted: running tasks have {self._options.grace_seconds:g} s to finish. "
                "Interrupt again to stop now."
            )
            logs.append(self._log_record("WARNING", message, self._now()))
        self._was_interrupted = True
        return self._stop("The run was interrupted.")

    def _stop(self, reason: str) -> list[TaskTransition]:
        """Start nothing more, and give what runs a grace period."""
        if self._deadline is None:
            self._deadline = monotonic() + self._options.grace_seconds
        return self._cancel(self._plan.drop_unstarted(), reason)

    def _abandon(self) -> list[TaskTransition]:
        """Give up on tasks that outlast the grace period. Their threads cannot be ended."""
        abandoned, self._running = sorted(self._running), set()
        self._was_abandoned = bool(abandoned)
        return self._cancel(abandoned, "It was still running when the run had to end.", attempt=1)

    def _cancel(
        self, task_ids: list[str], reason: str, *, attempt: int = 0
    ) -> list[TaskTransition]:
        if task_ids:
            self._is_complete = False
        return [
            self._transition(task_id, TaskStatus.CANCELLED, attempt=attempt, error=reason)
            for task_id in task_ids
        ]

    def _finish(self) -> Ended:
        status, error = RunStatus.SUCCEEDED, None
        if self._was_interrupted and not self._is_complete:
            status, error = RunStatus.CANCELLED, "The run was interrupted."
        elif self._failure is not None:
            status = RunStatus.FAILED
            error = f"Task {self._failed_task_id!r} failed: {summary(self._failure)}"
        end = RunEnd(status=status, ended_at=self._now(), error=error)
        self._recorder.finish_run(self._run.run_id, end)
        return Ended(status, error, self._outputs.kept, self._failed_task_id, self._failure)

    def _transition(
        self, task_id: str, status: TaskStatus, *, attempt: int = 0, error: str | None = None
    ) -> TaskTransition:
        return TaskTransition(task_id, status, self._now(), attempt, error)

    def _log_record(
        self, level: str, message: str, at: datetime, attempt: AttemptResult | None = None
    ) -> LogRecord:
        return LogRecord(
            run_id=self._run.run_id,
            at=at,
            level=level,
            logger=ENGINE_LOGGER,
            message=message,
            task_id=attempt.task_id if attempt else None,
            attempt=attempt.number if attempt else None,
        )
