"""The early end of a run: what has not started is called off, what runs has a grace period."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dagy._attempts import Attempts
from dagy._progress import Progress
from dagy._recovery import Recovery
from dagy._run_log import RunLog
from dagy._run_options import RunOptions
from dagy._verdict import Verdict
from dagy_types import Attempt, Executor

_NEVER = float("inf")


class Stop:
    """Stops a run that is interrupted, takes too long, or has a failure and is to fail fast.

    Args:
        executor: Gives the executor; it is there once something can have to stop.
        now: Seconds that never go back.
        settle_failure: Called with a task that is not tried again, and what it raised.

    Attributes:
        has_abandoned: Whether a task was given up that had outlasted the grace period.
    """

    def __init__(
        self,
        options: RunOptions,
        progress: Progress,
        attempts: Attempts,
        recovery: Recovery,
        verdict: Verdict,
        run_log: RunLog,
        *,
        executor: Callable[[], Executor],
        now: Callable[[], float],
        settle_failure: Callable[[str, BaseException], None],
    ) -> None:
        self._options = options
        self._progress = progress
        self._attempts = attempts
        self._recovery = recovery
        self._verdict = verdict
        self._run_log = run_log
        self._executor = executor
        self._now = now
        self._settle_failure = settle_failure
        self._grace_ends_at = _NEVER
        self._time_is_up_at = _NEVER
        self._reason = ""
        self.has_abandoned = False

    @property
    def is_under_way(self) -> bool:
        """Whether nothing may start any more."""
        return self._grace_ends_at < _NEVER

    @property
    def next_at(self) -> float:
        """When `apply_due` has something to do at the latest."""
        return min(self._grace_ends_at, self._time_is_up_at)

    def start_clock(self) -> None:
        """The run begins, and with it the time that it may take."""
        if self._options.timeout_seconds is not None:
            self._time_is_up_at = self._now() + self._options.timeout_seconds

    def interrupt(self) -> None:
        """Somebody wants the run to stop; the second time, at once."""
        self._verdict.interrupts += 1
        if self._verdict.interrupts > 1:
            self._grace_ends_at = self._now()
        elif self._attempts:
            self._run_log.add(
                "WARNING",
                f"Interrupted: running tasks have {self._options.grace_seconds:g} s to finish. "
                "Interrupt again to stop now.",
                None,
                None,
            )
        self._begin("The run was interrupted.")

    def after_failure(self, task_id: str) -> None:
        """A task has failed for good."""
        if self._options.fail_fast:
            self._begin(f"The run stopped after task {task_id!r} failed.")

    def apply_due(self, now: float) -> None:
        """Do what the time has come for."""
        if now >= self._time_is_up_at:
            self._verdict.is_timed_out = True
            self._time_is_up_at = _NEVER
            self._grace_ends_at = now
            self._begin("The run did not end in time.")
        if now >= self._grace_ends_at:
            self._abandon()

    def call_off(self, attempts: Iterable[Attempt]) -> None:
        """Settle tasks whose attempts have not started and are not to."""
        for attempt in attempts:
            self._attempts.withdraw(attempt.task_id)
            self._cancel(attempt.task_id)

    def _begin(self, reason: str) -> None:
        if not self.is_under_way:
            self._grace_ends_at = self._now() + self._options.grace_seconds
        self._reason = self._reason or reason
        self.call_off(self._executor().withdraw())
        self._progress.cancel(self._progress.plan.drop_unstarted(), reason)
        for task_id, error in self._recovery.cancel():
            self._settle_failure(task_id, error)

    def _abandon(self) -> None:
        """Give up on tasks that outlast the grace period."""
        for task_id in sorted(self._attempts):
            number = self._attempts.number(task_id)
            self.has_abandoned = True
            self._executor().give_up(task_id, number)
            if not self._attempts.has_started(task_id):
                self._attempts.withdraw(task_id)
                self._cancel(task_id)
                continue
            self._attempts.end(task_id)
            reason = "It was still running when the run had to end."
            self._progress.cancel([task_id], reason, number=number)

    def _cancel(self, task_id: str) -> None:
        """Settle a task of which no attempt is under way."""
        if self._attempts.number(task_id):
            # It is recorded as failed already, and would have been tried again.
            self._settle_failure(task_id, self._recovery.error_of(task_id))
        else:
            self._progress.cancel([task_id], self._reason)
