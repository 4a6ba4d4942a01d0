"""The loop that runs a graph.

One coordinator owns all state. Each turn it

1. **applies** what has happened;
2. **selects** tasks that are ready, and settles those that need not run;
3. **records** what changed in one transaction;
4. **submits** the selected tasks to the executor.

Because 3 comes before 4, no task starts before everything that it builds on is durable. More tasks
are submitted than have slots, so that the executor is never idle while the coordinator records,
and so that one transaction records many. Turns are taken by the caller's thread, or by a worker
that would be idle: see `_turns`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

from dagy._attempt import Performer
from dagy._attempt_context import AttemptContext
from dagy._attempts import Attempts, Due, TimeLimit
from dagy._capture import captured
from dagy._clock import Clock, SystemClock
from dagy._executors import make_executor
from dagy._failure import formatted_traceback, summary
from dagy._hook_calls import FlowHooks, HookCalls
from dagy._inbox import Inbox
from dagy._interrupts import deferred_signals
from dagy._local_logger import LocalLogger
from dagy._policy import any_chance
from dagy._progress import Progress
from dagy._recording import Recording
from dagy._recovery import Recovery
from dagy._resumption import Resumption
from dagy._run_log import RunLog
from dagy._run_options import Ended, RunOptions
from dagy._selection import Selection
from dagy._serializers import Serializers
from dagy._shortcuts import Shortcuts
from dagy._stop import Stop
from dagy._timers import Timers
from dagy._tracing import Graph
from dagy._turns import Turns
from dagy._verdict import Verdict
from dagy_types import (
    Attempt,
    AttemptEvent,
    AttemptResult,
    AttemptStarted,
    Executor,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunRecorder,
    RunStatus,
    TaskStatus,
)
from dagy_types.errors import TaskTimeoutError

# How many attempts may be submitted beyond those that have slots.
_AHEAD = 500
# How late the start of an attempt may be noticed, and then recorded: its end, if it comes so soon,
# goes with it. And how late the end of one, where threads have other attempts to go on with.
_LAG_SECONDS = 0.005


class _Signal(Enum):
    INTERRUPT = auto()
    HOOKS_DONE = auto()


def execute(
    graph: Graph,
    run: Run,
    options: RunOptions,
    *,
    recorder: RunRecorder,
    logger: LocalLogger,
    serializers: Serializers,
    hooks: FlowHooks | None = None,
    resumption: Resumption | None = None,
    clock: Clock | None = None,
    chance: Callable[[], float] = any_chance,
) -> Ended:
    """Run a graph to its end; everything about it is recorded when this returns.

    The first SIGINT or SIGTERM stops the run: nothing more starts, and running tasks have the grace
    period to finish. A second one ends that period at once.

    Args:
        run: The record to create, in status ``RUNNING``.
        resumption: What the run takes over from an earlier one.
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
        resumption=resumption or Resumption(),
        clock=clock or SystemClock(),
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
        resumption: Resumption,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._graph = graph
        self._run = run
        self._options = options
        self._recorder = recorder
        self._serializers = serializers
        self._resumption = resumption
        self._clock = clock
        self._inbox: Inbox[AttemptEvent | _Signal] = Inbox()
        self._progress = Progress(graph, serializers, now=clock.now)
        self._recording = Recording(
            run.run_id,
            self._progress.changes,
            recorder,
            lag_seconds=_LAG_SECONDS,
            now=clock.monotonic,
        )
        self._attempts = Attempts()
        self._shortcuts = Shortcuts(resumption, recorder, serializers, now=clock.now)
        self._hooks = HookCalls(
            graph,
            run,
            hooks,
            serializers=serializers,
            attempt_of=self._latest_attempt,
            context_of=self._context,
        )
        self._timers: Timers[Due] = Timers()
        self._run_log = RunLog(run.run_id, recorder, logger, now=clock.now)
        self._recovery = Recovery(
            options,
            self._progress,
            self._attempts,
            self._timers,
            self._run_log,
            now=clock.monotonic,
            chance=chance,
            on_repetition=self._hooks.run_starts_again,
        )
        self._selection = Selection(
            self._progress,
            self._attempts,
            self._shortcuts,
            self._recovery,
            self._run_log,
            on_failure=self._fail_unstarted,
        )
        self._verdict = Verdict()
        self._stop = Stop(
            options,
            self._progress,
            self._attempts,
            self._recovery,
            self._verdict,
            self._run_log,
            executor=lambda: self._executor,
            now=clock.monotonic,
            settle_failure=self._settle_failure,
        )
        # Most flows have none, and asking every task would be a part of what a task costs.
        self._has_time_limits = any(
            task.options.timeout_seconds is not None for task in graph.tasks
        )
        self._uses_cache = any(task.options.is_cached for task in graph.tasks)
        self._turns = Turns(
            self._take_turn, inbox=self._inbox, clock=clock, is_idle=lambda: not self._attempts
        )

    def interrupt(self) -> None:
        """Have the run stop; called from a signal handler."""
        self._inbox.put(_Signal.INTERRUPT)  # the one thing that is safe to do there

    def run(self) -> Ended:
        """Run the graph to its end."""
        self._recorder.create_run(self._run, self._graph.spec)
        self._executor = self._make_executor()
        try:
            self._hooks.run_starts()
            self._stop.start_clock()
            if self._resumption.origins:
                self._selection.take_over()
                self._recording.write()  # at once: who resumes this run takes over all of it
            self._turns.take_all()
        except BaseException:
            self._hooks.finish(lambda: None)  # nobody waits for them: there is no record to make
            raise
        finally:
            self._executor.withdraw()
            self._executor.close(wait=not (self._attempts or self._stop.has_abandoned))
        return self._finish()

    def _take_turn(self) -> float | None:
        """Apply, select, record, submit.

        Returns:
            By when there is more to do; ``None`` if nothing runs and nothing can start.
        """
        self._apply_events()
        if self._uses_cache and self._recording.is_urgent:
            self._recording.write()  # what is to be selected may be found there
        room = self._options.max_workers + _AHEAD - len(self._attempts)
        selected = self._selection.take(room)
        if selected or self._recording.is_urgent:
            self._recording.write()
        self._submit(selected)
        if self._is_over():
            self._recording.write()
            self._run_log.write()
            return None
        if not self._attempts:
            self._recovery.repeat_when_quiet(can_select=self._selection.is_possible)
        return self._next_at()

    def _is_over(self) -> bool:
        return not (self._attempts or self._recovery.is_pending or self._selection.is_possible)

    def _make_executor(self) -> Executor:
        return make_executor(
            self._options.executor,
            self._options.max_workers,
            perform=Performer(
                self._run.run_id,
                self._graph.calls,
                self._serializers,
                self._options.max_output_bytes,
                self._clock.now,
            ),
            deliver=self._deliver,
            hand_in=self._inbox.put_quietly,
            go_on=self._go_on,
            now=self._clock.now,
        )

    def _deliver(self, event: AttemptEvent) -> None:
        """Take an event of the executor; called from any thread."""
        if isinstance(event, AttemptStarted):
            self._inbox.put_quietly(event)
        else:
            self._inbox.put(event)

    def _go_on(self, is_idle: bool) -> None:
        """Go on with the run after a result, in its thread if that is idle."""
        if is_idle:
            self._turns.lend()
        elif not self._turns.is_near(_LAG_SECONDS):
            self._inbox.ring()

    def _submit(self, attempts: list[Attempt]) -> None:
        if self._stop.is_under_way:  # since they were selected
            self._stop.call_off(attempts)
            return
        for attempt in attempts:
            self._executor.submit(attempt)

    def _apply_events(self) -> None:
        """Apply all that has happened, then what is due."""
        events = self._inbox.take()
        for event in events:
            if isinstance(event, AttemptResult):
                self._apply_result(event)
            elif isinstance(event, AttemptStarted):
                self._apply_start(event)
            elif isinstance(event, LogRecord):
                self._run_log.append(event)
            elif event is _Signal.INTERRUPT:
                self._stop.interrupt()
        self._recording.wait(for_more=bool(events))
        now = self._clock.monotonic()
        for due in self._timers.pop_due(now):
            self._apply_due(due)
        self._stop.apply_due(now)
        self._run_log.write()

    def _next_at(self) -> float:
        if self._selection.was_cut_short:
            return self._clock.monotonic()
        next_at = min(self._stop.next_at, self._timers.next_at, self._recording.due_at)
        if self._attempts.started < min(len(self._attempts), self._options.max_workers):
            return min(next_at, self._clock.monotonic() + _LAG_SECONDS)  # look for a start
        return next_at

    def _apply_start(self, event: AttemptStarted) -> None:
        task_id, number = event.task_id, event.number
        if not self._attempts.is_current(task_id, number):
            return  # given up in the meantime
        self._attempts.start(task_id)
        self._progress.start(task_id, event.at, number)
        self._hooks.attempt_starts(task_id, number)
        if self._has_time_limits:
            self._limit_time(event)

    def _limit_time(self, event: AttemptStarted) -> None:
        limit = self._progress.call(event.task_id).task.options.timeout_seconds
        if limit is not None:
            passed = (self._clock.now() - event.at).total_seconds()  # until this was heard of
            ends_at = self._clock.monotonic() + limit - max(0.0, passed)
            self._timers.add(ends_at, TimeLimit(event.task_id, event.number))

    def _apply_result(self, result: AttemptResult) -> None:
        task_id, number, outcome = result.task_id, result.number, result.outcome
        if not isinstance(outcome, Output):
            self._apply_exception(result, outcome)
            self._executor.proceed()
            return
        if not self._attempts.is_current(task_id, number):
            return  # given up in the meantime
        self._attempts.end(task_id)
        self._recovery.succeed(task_id)
        self._hooks.task_succeeded(task_id)
        cache_key = self._shortcuts.take_cache_key(task_id)
        self._progress.succeed(task_id, result.ended_at, number, outcome, cache_key)
        self._attempts.forget(task_id)

    def _apply_exception(self, result: AttemptResult, error: BaseException) -> None:
        task_id = result.task_id
        if self._attempts.is_current(task_id, result.number):
            self._attempts.end(task_id)
            self._log_error(result.traceback or summary(error), task_id)
            self._apply_failure(task_id, TaskStatus.FAILED, error, result.ended_at)

    def _apply_failure(
        self, task_id: str, status: TaskStatus, error: BaseException, ended_at: datetime
    ) -> None:
        """An attempt has failed: try again now, later with all that has failed, or never."""
        number = self._attempts.number(task_id)
        self._progress.fail_attempt(task_id, status, ended_at, number, summary(error))
        if self._stop.is_under_way or not self._recovery.follows(task_id, error):
            self._fail(task_id, error)
        elif self._recovery.is_held:
            withdrawn = [each.task_id for each in self._executor.withdraw()]
            for each in withdrawn:
                self._attempts.withdraw(each)
            self._recovery.put_back(withdrawn)

    def _apply_due(self, due: Due) -> None:
        if isinstance(due, TimeLimit):
            self._apply_time_limit(due)
        else:
            self._recovery.apply(due)

    def _apply_time_limit(self, due: TimeLimit) -> None:
        if not self._attempts.is_current(due.task_id, due.number):
            return  # it ended in time
        self._attempts.end(due.task_id)
        self._executor.give_up(due.task_id, due.number)
        seconds = self._progress.call(due.task_id).task.options.timeout_seconds
        error = TaskTimeoutError(
            f"Task {due.task_id!r} did not end within {seconds:g} s.",
            run_id=self._run.run_id,
            task_id=due.task_id,
        )
        self._log_error(error.message, due.task_id)
        self._apply_failure(due.task_id, TaskStatus.TIMED_OUT, error, self._clock.now())

    def _fail(self, task_id: str, error: BaseException) -> None:
        """A task has failed for good."""
        self._settle_failure(task_id, error)
        self._stop.after_failure(task_id)

    def _settle_failure(self, task_id: str, error: BaseException) -> None:
        self._hooks.task_failed(task_id, summary(error))
        self._progress.fail(task_id)
        self._attempts.forget(task_id)
        self._verdict.note_failure(task_id, error)

    def _fail_unstarted(self, task_id: str, error: BaseException) -> None:
        """A task has failed before any attempt, for something that decides on it."""
        self._run_log.add("ERROR", formatted_traceback(error), task_id, None)
        self._hooks.task_failed(task_id, summary(error))
        self._progress.fail_unstarted(task_id, summary(error))
        self._verdict.note_failure(task_id, error)
        self._stop.after_failure(task_id)

    def _finish(self) -> Ended:
        status, reason, error = self._verdict.outcome(
            is_complete=self._progress.is_complete, timeout_seconds=self._options.timeout_seconds
        )
        if status is RunStatus.SUCCEEDED:
            self._hooks.run_succeeded()
        elif status is RunStatus.FAILED:
            self._hooks.run_failed(error)
        self._wait_for_hooks()
        end = RunEnd(status=status, ended_at=self._clock.now(), reason=reason, error=error)
        self._recorder.finish_run(self._run.run_id, end)
        kept = self._progress.outputs.kept
        verdict = self._verdict
        return Ended(status, reason, error, kept, verdict.failed_task_id, verdict.failure)

    def _wait_for_hooks(self) -> None:
        """Let all hooks return, so that what they say is recorded; not after a second interrupt."""
        is_done = not self._hooks.finish(lambda: self._inbox.put(_Signal.HOOKS_DONE))
        while not is_done and self._verdict.interrupts < 2:
            self._clock.wait(self._inbox, float("inf"), is_idle=False)
            for event in self._inbox.take():
                if isinstance(event, LogRecord):
                    self._run_log.append(event)
                is_done = is_done or event is _Signal.HOOKS_DONE
                self._verdict.interrupts += event is _Signal.INTERRUPT
            self._run_log.write()
        if is_done:
            self._hooks.join()

    def _latest_attempt(self, task_id: str) -> Attempt:
        return self._progress.attempt(task_id, max(1, self._attempts.number(task_id)))

    def _context(self, task_id: str | None) -> AttemptContext:
        number = None if task_id is None else self._attempts.number(task_id)
        return AttemptContext(self._run.run_id, task_id, number, self._inbox.put, self._clock.now)

    def _log_error(self, message: str, task_id: str) -> None:
        self._run_log.add("ERROR", message, task_id, self._attempts.number(task_id))
