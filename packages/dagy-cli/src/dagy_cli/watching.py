"""Following a run that somebody else executes, by reading again and again what is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone

from dagy_cli.progress import ProgressDisplay
from dagy_cli.tally import Tally
from dagy_types import Run, RunReader

POLL_INTERVAL_SECONDS = 0.2
_REST_PER_LOOK = 4  # reading a run of many tasks takes long, and must not slow the run down


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
    """Shows on a `ProgressDisplay` how far a run is.

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
        self._is_started = False

    def look(self, run: Run) -> None:
        """Read the run's tasks, count them and show the count."""
        tally = Tally.of(self._reader.list_task_runs(run.run_id))
        if self._is_started:
            self._display.show(tally)
            return
        self._is_started = True
        elapsed = (self._clock() - (run.started_at or run.created_at)).total_seconds()
        self._display.start(tally, elapsed_seconds=max(elapsed, 0.0))
