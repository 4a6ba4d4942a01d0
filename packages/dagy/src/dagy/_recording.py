"""When what has become of the tasks of a run is recorded."""

from __future__ import annotations

from collections.abc import Callable

from dagy_types import RunRecorder, TaskStatus, TaskTransition


class Recording:
    """Writes changes of tasks: what others build on at once, and starts a little later.

    A task that ends within that time is recorded once.

    Args:
        changes: What is to be recorded; emptied when it has been.
        lag_seconds: How long a start may wait.
        now: The clock that turns are timed by, in seconds.

    Attributes:
        due_at: When what waits has to be recorded, by that clock.
    """

    def __init__(
        self,
        run_id: str,
        changes: list[TaskTransition],
        recorder: RunRecorder,
        *,
        lag_seconds: float,
        now: Callable[[], float],
    ) -> None:
        self._run_id = run_id
        self._changes = changes
        self._recorder = recorder
        self._lag_seconds = lag_seconds
        self._now = now
        self.due_at = float("inf")

    @property
    def is_urgent(self) -> bool:
        """Whether there is something that should not wait for what comes next."""
        if not self._changes:
            return False
        return self._now() >= self.due_at or any(
            change.status is not TaskStatus.RUNNING for change in self._changes
        )

    def wait(self, *, for_more: bool) -> None:
        """Let what there is wait, if more may come with it.

        Args:
            for_more: Whether anything has just happened. What has not ended by the time of a turn
                for nothing will take longer.
        """
        if self._changes:
            now = self._now()
            self.due_at = min(self.due_at, now + self._lag_seconds) if for_more else now

    def write(self) -> None:
        """Record all that there is, in one transaction.

        Raises:
            StoreError: When it cannot be recorded.
        """
        if self._changes:
            self._recorder.record_tasks(self._run_id, self._changes)
            self._changes.clear()
        self.due_at = float("inf")
