"""Following a run that somebody else executes, by reading again and again what is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from dagy_cli.progress import ProgressDisplay
from dagy_types import Run, RunReader, TaskRun, TaskStatus

POLL_INTERVAL_SECONDS = 0.2
_REST_PER_LOOK = 4  # reading a run of many tasks takes long, and must not slow the run down

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


def wait_for_end(
    reader: RunReader,
    run_id: str,
    *,
    timeout_seconds: float | None = None,
    on_look: Callable[[Run], None] = lambda _: None,
    interval_seconds: float = POLL_INTERVAL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Run:
    """Return the run once it has ended, or as it is when the time is up.

    Args:
        on_look: Called with the run each time that it is read and has not ended.
        interval_seconds: How long to rest between two looks, at least.

    Raises:
        NotFoundError: When there is no such run.
    """
    deadline = None if timeout_seconds is None else clock() + timeout_seconds
    while True:
        looked_at = clock()
        run = reader.get_run(run_id)
        if run.status.is_terminal:
            return run
        on_look(run)
        rest = max(interval_seconds, _REST_PER_LOOK * (clock() - looked_at))
        left = rest if deadline is None else deadline - clock()
        if left <= 0:
            return run
        sleep(min(rest, left))


class DisplayFeed:
    """Tells a `ProgressDisplay` what has changed since it was last told.

    Args:
        clock: The time of day.
    """

    def __init__(
        self,
        reader: RunReader,
        display: ProgressDisplay,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._reader = reader
        self._display = display
        self._clock = clock
        self._told: Sequence[TaskRun] = ()
        self._is_started = False

    def look(self, run: Run) -> None:
        """Read the run's tasks and tell of them."""
        task_runs = self._reader.list_task_runs(run.run_id)
        if not self._is_started:
            self._is_started = True
            started_at = run.started_at or run.created_at
            elapsed = max((self._clock() - started_at).total_seconds(), 0.0)
            self._display.start(total=len(task_runs), elapsed_seconds=elapsed)
        changed = changed_tasks(self._told, task_runs)
        if changed:
            self._display.update(changed)
        self._told = task_runs


def changed_tasks(before: Sequence[TaskRun], after: Sequence[TaskRun]) -> list[TaskRun]:
    """Return the tasks that have moved on, in the order in which they started.

    Args:
        before: The tasks at an earlier time; none when nothing was known of them.
    """
    earlier = {task_run.task_id: (task_run.status, task_run.attempt) for task_run in before}
    unknown = (TaskStatus.PENDING, 0)
    changed = [
        task_run
        for task_run in after
        if earlier.get(task_run.task_id, unknown) != (task_run.status, task_run.attempt)
    ]
    return sorted(changed, key=lambda task_run: task_run.started_at or _LONG_AGO)
