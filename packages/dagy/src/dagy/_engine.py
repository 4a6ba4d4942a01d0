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

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum, auto
from queue import Empty, SimpleQueue
from random import random
from time import monotonic

from dagy._attempt import attempt_call
from dagy._attempt_context import AttemptContext
from dagy._capture import captured
from dagy._executors.threads import ThreadExecutor
from dagy._failure import formatted_traceback, summary
from dagy._hook_calls import FlowHooks, HookCalls
from dagy._interrupts import deferred_signals
from dagy._local_logger import LocalLogger
from dagy._output_shelf import OutputShelf
from dagy._plan import Plan
from dagy._policy import jittered
from dagy._run_log import RunLog
from dagy._run_options import Ended, RunOptions
from dagy._serializers import Serializers
from dagy._timers import Timers
from dagy._tracing import Graph
from dagy_types import (
    Attempt,
    AttemptResult,
    Executor,
    FailureReason,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunRecorder,
    RunStatus,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import TaskTimeoutError

# A signal that the kernel hands to another thread does not wake the main thread from its wait, so
# waits are bounded: this is how late such a Ctrl-C can be noticed.
_LONGEST_WAIT_SECONDS = 0.2


class _Signal(Enum):
    INTERRUPT = auto()
    HOOKS_DONE = auto()


@dataclass(frozen=True, slots=True)
class _Due:
    """Something that happens to an attempt with time.

    Attributes:
        is_retry: Whether its task is to be tried again; else it has run for too long.
    """

    task_id: str
    number: int
    is_retry: bool


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
    serializers: Serializers,
    hooks: FlowHooks | None = None,
    now: Callable[[], datetime] = utc_now,
    chance: Callable[[], float] = random,  # noqa: S311  nobody gains from guessing a delay
) -> Ended:
    """Run a graph to its end; everything about it is recorded when this returns.

    The first SIGINT or SIGTERM stops the run: nothing more starts, and running tasks have the grace
    period to finish. A second one ends that period at once.

    Args:
        run: The record to create, in status ``RUNNING``.
        chance: Returns a number from 0 up to 1, for the jitter of delays.

    Raises:
        StoreError: When the recorder cannot write; the run then counts as crashed.
        KeyboardInterrupt: After the run has been recorded, when SIGINT arrived during it.
    """
    coordinator = _Coordinator(
        graph,
        run,
        options,
        recorder=recorder,
        logger=logger,
        serializers=serializers,
        hooks=hooks or FlowHooks(),
        now=now,
        chance=chance,
    )
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
        serializers: Serializers,
        hooks: FlowHooks,
        now: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self._graph = graph
        self._run = run
        self._options = options
        self._recorder = recorder
        self._now = now
        self._chance = chance
        self._inbox: SimpleQueue[AttemptResult | LogRecord | _Signal] = SimpleQueue()
        self._executor: Executor = ThreadExecutor(
            options.max_workers, deliver=self._inbox.put, now=now
        )
        self._restore = serializers.restore
        self._plan = Plan(graph.spec, _limits(graph))
        self._outputs = OutputShelf(graph.spec)
        self._hooks = HookCalls(
            graph,
            run,
            hooks,
            restore=self._restore,
            inputs_of=self._outputs.inputs_of,
            context_of=self._context,
        )
        self._timers: Timers[_Due] = Timers()
        self._attempts: dict[str, int] = {}
        self._running: set[str] = set()
        self._awaiting_retry: set[str] = set()  # from a failed attempt to the start of the next
        self._run_log = RunLog(run.run_id, recorder, logger, now=now)
        self._deadline: float | None = None  # set when the run is to stop
        self._ends_at = float("inf")
        self._interrupts = 0
        self._was_abandoned = False
        self._is_complete = True  # every task so far succeeded, at last
        self._is_timed_out = False
        self._failed_task_id: str | None = None
        self._failure: BaseException | None = None

    def interrupt(self) -> None:
        """Stop the run; called from a signal handler."""
        self._inbox.put(_Signal.INTERRUPT)  # the one thing that is safe to do there

    def run(self) -> Ended:
        """Select, record, submit, wait; until nothing runs and nothing can start."""
        self._recorder.create_run(self._run, self._graph.spec)
        self._hooks.run_starts()
        if self._options.timeout_seconds is not None:
            self._ends_at = monotonic() + self._options.timeout_seconds
        changes: list[TaskTransition] = []
        try:
            while True:
                selected = self._select()
                changes += [self._transition(task_id, TaskStatus.RUNNING) for task_id in selected]
                if changes:
                    self._recorder.record_tasks(self._run.run_id, changes)
                for task_id in selected:
                    self._submit(task_id)
                if not self._running and not self._awaiting_retry:
                    break
                changes = self._wait()
        finally:
            self._executor.close(wait=not (self._running or self._was_abandoned))
        return self._finish()

    def _select(self) -> list[str]:
        selected = self._plan.take_ready(self._options.max_workers - len(self._running))
        self._running.update(selected)
        self._awaiting_retry.difference_update(selected)
        for task_id in selected:
            self._attempts[task_id] = self._attempts.get(task_id, 0) + 1
        return selected

    def _submit(self, task_id: str) -> None:
        call, number = self._graph.calls[task_id], self._attempts[task_id]
        run = attempt_call(
            call,
            inputs=self._outputs.inputs_of(task_id),
            restore=self._restore,
            context=self._context(task_id),
            max_output_bytes=self._options.max_output_bytes,
        )
        options = call.task.options
        self._hooks.attempt_starts(task_id, number)
        self._executor.submit(Attempt(task_id, number, run))
        if options.timeout_seconds is not None:
            due = _Due(task_id, number, is_retry=False)
            self._timers.add(monotonic() + options.timeout_seconds, due)

    def _wait(self) -> list[TaskTransition]:
        """Wait for events, apply all that are there, and return what changed."""
        changes: list[TaskTransition] = []
        for event in self._events():
            if isinstance(event, LogRecord):
                self._run_log.append(event)
            elif isinstance(event, AttemptResult):
                changes += self._apply(event)
            elif event is _Signal.INTERRUPT:
                changes += self._apply_interrupt()
        now = monotonic()
        for due in self._timers.pop_due(now):
            changes += self._apply_due(due)
        if now >= self._ends_at:
            changes += self._apply_run_timeout()
        if self._deadline is not None and now >= self._deadline:
            changes += self._abandon()
        self._run_log.write()
        return changes

    def _events(self) -> Iterator[AttemptResult | LogRecord | _Signal]:
        times = (self._deadline, self._timers.next_at, self._ends_at)
        next_at = min(time for time in times if time is not None)
        timeout = min(_LONGEST_WAIT_SECONDS, max(0.0, next_at - monotonic()))
        try:
            yield self._inbox.get(timeout=timeout)
            for _ in range(self._inbox.qsize()):  # what arrives meanwhile is for the next turn
                yield self._inbox.get_nowait()
        except Empty:
            return  # the loop looks again

    def _apply(self, result: AttemptResult) -> list[TaskTransition]:
        task_id = result.task_id
        if task_id not in self._running or result.number != self._attempts[task_id]:
            return []  # given up in the meantime
        self._running.discard(task_id)
        if isinstance(result.outcome, Output):
            return [self._apply_success(result, result.outcome)]
        self._log("ERROR", formatted_traceback(result.outcome), task_id)
        return self._apply_failure(task_id, TaskStatus.FAILED, result.outcome, result.ended_at)

    def _apply_success(self, result: AttemptResult, output: Output) -> TaskTransition:
        task_id = result.task_id
        self._hooks.task_succeeded(task_id, result.number)
        self._plan.succeed(task_id)
        self._outputs.put(task_id, output)
        return TaskTransition(
            task_id,
            TaskStatus.SUCCEEDED,
            at=result.ended_at,
            attempt=result.number,
            output=output,
        )

    def _apply_failure(
        self, task_id: str, status: TaskStatus, error: BaseException, ended_at: datetime
    ) -> list[TaskTransition]:
        number = self._attempts[task_id]
        failure = TaskTransition(task_id, status, ended_at, number, summary(error))
        if self._deadline is None and self._is_worth_a_retry(task_id, error):
            self._schedule_retry(task_id)
            return [failure]
        self._is_complete = False
        if self._failed_task_id is None:
            self._failed_task_id, self._failure = task_id, error
        self._hooks.task_failed(task_id, number, summary(error))
        self._outputs.settle(task_id)
        reason = f"Task {task_id!r} failed."
        changes = [
            failure,
            *(
                self._transition(each, TaskStatus.SKIPPED, error=reason)
                for each in self._plan.fail(task_id)
            ),
        ]
        if self._options.fail_fast:
            changes += self._stop(f"The run stopped after task {task_id!r} failed.")
        return changes

    def _is_worth_a_retry(self, task_id: str, error: BaseException) -> bool:
        options = self._graph.calls[task_id].task.options
        if self._attempts[task_id] > options.retries or not isinstance(error, Exception):
            return False
        condition = options.retry_condition_fn
        try:
            return condition is None or bool(condition(error))
        except Exception as raised:  # noqa: BLE001  an author's function may raise anything
            message = f"retry_condition_fn raised:\n{formatted_traceback(raised)}"
            self._log("ERROR", message, task_id)
            return False

    def _schedule_retry(self, task_id: str) -> None:
        options, number = self._graph.calls[task_id].task.options, self._attempts[task_id]
        delay = jittered(options.delays[number - 1], options.retry_jitter_factor, self._chance)
        after = f" in {delay:g} s" if delay else ""
        self._log("INFO", f"Attempt {number} failed; attempt {number + 1} follows{after}.", task_id)
        self._plan.suspend(task_id)
        self._awaiting_retry.add(task_id)
        self._timers.add(monotonic() + delay, _Due(task_id, number, is_retry=True))

    def _apply_due(self, due: _Due) -> list[TaskTransition]:
        if due.is_retry:
            if due.task_id in self._awaiting_retry:  # unless the run is to stop
                self._plan.resume(due.task_id)
            return []
        if due.task_id not in self._running or due.number != self._attempts[due.task_id]:
            return []  # it ended in time
        self._running.discard(due.task_id)
        self._executor.give_up(due.task_id, due.number)
        seconds = self._graph.calls[due.task_id].task.options.timeout_seconds
        error = TaskTimeoutError(
            f"Task {due.task_id!r} did not end within {seconds:g} s.",
            run_id=self._run.run_id,
            task_id=due.task_id,
        )
        self._log("ERROR", error.message, due.task_id)
        return self._apply_failure(due.task_id, TaskStatus.TIMED_OUT, error, self._now())

    def _apply_interrupt(self) -> list[TaskTransition]:
        self._interrupts += 1
        if self._interrupts > 1:
            self._deadline = monotonic()
        elif self._running:
            self._log(
                "WARNING",
                f"Interrupted: running tasks have {self._options.grace_seconds:g} s to finish. "
                "Interrupt again to stop now.",
            )
        return self._stop("The run was interrupted.")

    def _apply_run_timeout(self) -> list[TaskTransition]:
        self._is_timed_out = True
        self._ends_at = float("inf")
        self._deadline = monotonic()
        return self._stop("The run did not end in time.")

    def _stop(self, reason: str) -> list[TaskTransition]:
        """Start nothing more, and give what runs a grace period."""
        if self._deadline is None:
            self._deadline = monotonic() + self._options.grace_seconds
        if self._awaiting_retry:
            self._is_complete = False
            self._awaiting_retry.clear()
        return self._cancel(self._plan.drop_unstarted(), reason)

    def _abandon(self) -> list[TaskTransition]:
        """Give up on tasks that outlast the grace period."""
        abandoned, self._running = sorted(self._running), set()
        self._was_abandoned = bool(abandoned)
        for task_id in abandoned:
            self._executor.give_up(task_id, self._attempts[task_id])
        return self._cancel(abandoned, "It was still running when the run had to end.")

    def _cancel(self, task_ids: list[str], reason: str) -> list[TaskTransition]:
        if task_ids:
            self._is_complete = False
        return [
            self._transition(task_id, TaskStatus.CANCELLED, error=reason) for task_id in task_ids
        ]

    def _finish(self) -> Ended:
        status, reason, error = self._outcome()
        if status is RunStatus.SUCCEEDED:
            self._hooks.run_succeeded()
        elif status is RunStatus.FAILED:
            self._hooks.run_failed(error)
        self._wait_for_hooks()
        end = RunEnd(status=status, ended_at=self._now(), reason=reason, error=error)
        self._recorder.finish_run(self._run.run_id, end)
        return Ended(status, reason, error, self._outputs.kept, self._failed_task_id, self._failure)

    def _outcome(self) -> tuple[RunStatus, FailureReason | None, str | None]:
        if self._is_complete:
            return RunStatus.SUCCEEDED, None, None
        if self._is_timed_out:
            seconds = self._options.timeout_seconds
            error = f"The run did not end within {seconds:g} s."
            return RunStatus.FAILED, FailureReason.TIMED_OUT, error
        if self._interrupts:
            return RunStatus.CANCELLED, None, "The run was interrupted."
        assert self._failure is not None
        error = f"Task {self._failed_task_id!r} failed: {summary(self._failure)}"
        return RunStatus.FAILED, None, error

    def _wait_for_hooks(self) -> None:
        """Let all hooks return, so that what they say is recorded; not after a second interrupt."""
        is_done = not self._hooks.finish(lambda: self._inbox.put(_Signal.HOOKS_DONE))
        self._deadline, self._timers, self._ends_at = None, Timers(), float("inf")
        while not is_done and self._interrupts < 2:
            for event in self._events():
                if isinstance(event, LogRecord):
                    self._run_log.append(event)
                is_done = is_done or event is _Signal.HOOKS_DONE
                self._interrupts += event is _Signal.INTERRUPT
            self._run_log.write()

    def _context(self, task_id: str | None) -> AttemptContext:
        number = None if task_id is None else self._attempts[task_id]
        return AttemptContext(self._run.run_id, task_id, number, self._inbox.put, self._now)

    def _transition(
        self, task_id: str, status: TaskStatus, *, error: str | None = None
    ) -> TaskTransition:
        return TaskTransition(task_id, status, self._now(), self._attempts.get(task_id, 0), error)

    def _log(self, level: str, message: str, task_id: str | None = None) -> None:
        self._run_log.add(level, message, task_id, self._attempts.get(task_id or ""))


def _limits(graph: Graph) -> dict[str, tuple[Hashable, int]]:
    limits: dict[str, tuple[Hashable, int]] = {}
    for task_id, call in graph.calls.items():
        limit = call.task.options.concurrency_limit
        if limit is not None:  # variants of a task share it as long as it is the same
            limits[task_id] = ((call.task.function, limit), limit)
    return limits
