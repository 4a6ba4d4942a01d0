"""How a run ends, given what happened in it."""

from __future__ import annotations

from dagy._failure import summary
from dagy_types import FailureReason, RunStatus

Outcome = tuple[RunStatus, FailureReason | None, str | None]
"""The status, why it is ``FAILED`` unless a task's own error is why, and a line for people."""


class Verdict:
    """What counts for the end of a run.

    Attributes:
        interrupts: How often it was interrupted.
        is_timed_out: Whether it did not end in time.
        failed_task_id: The task that failed first.
        failure: What that task raised.
    """

    def __init__(self) -> None:
        self.interrupts = 0
        self.is_timed_out = False
        self.failed_task_id: str | None = None
        self.failure: BaseException | None = None

    def note_failure(self, task_id: str, error: BaseException) -> None:
        """A task has failed for good."""
        if self.failed_task_id is None:
            self.failed_task_id, self.failure = task_id, error

    def outcome(self, *, is_complete: bool, timeout_seconds: float | None) -> Outcome:
        """Return how the run ends.

        Args:
            is_complete: Whether no task failed for good or was cancelled.
            timeout_seconds: How long the run was allowed to take.
        """
        if is_complete:
            return RunStatus.SUCCEEDED, None, None
        if self.is_timed_out:
            error = f"The run did not end within {timeout_seconds:g} s."
            return RunStatus.FAILED, FailureReason.TIMED_OUT, error
        if self.interrupts:
            return RunStatus.CANCELLED, None, "The run was interrupted."
        assert self.failure is not None
        error = f"Task {self.failed_task_id!r} failed: {summary(self.failure)}"
        return RunStatus.FAILED, None, error
