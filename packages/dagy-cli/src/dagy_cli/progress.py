"""A run as people watch it: its id at the start, then how far it is, on one redrawn line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from dagy_cli.console import Console
from dagy_cli.tally import Tally
from dagy_types import (
    FlowSpec,
    LogRecord,
    Origin,
    Output,
    Run,
    RunEnd,
    RunRecorder,
    RunStatus,
    TaskTransition,
)

_CLEAR_LINE = "\r\x1b[2K"
_SHORTEST_INTERVAL_SECONDS = 0.05  # between two drawings: a terminal is slower than an engine


def display_for(console: Console) -> ProgressDisplay | None:
    """Return a display, if somebody wants to see one and it can be drawn."""
    return None if console.is_quiet or not console.can_redraw else ProgressDisplay(console)


class WatchedRecorder:
    """A `RunRecorder` that hands everything to another one, then tells people about it.

    Args:
        announce: Called with the run once it is recorded.
        display: Where progress is drawn, if it is.

    Attributes:
        run_id: ``None`` until a run is recorded.
        final_status: ``None`` until the end of the run is recorded.
    """

    def __init__(
        self,
        recorder: RunRecorder,
        *,
        announce: Callable[[Run], None],
        display: ProgressDisplay | None = None,
    ) -> None:
        self.run_id: str | None = None
        self.final_status: RunStatus | None = None
        self._recorder = recorder
        self._announce = announce
        self._display = display

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        self._recorder.create_run(run, spec)
        self.run_id = run.run_id
        self._announce(run)
        if self._display is not None:
            self._display.start(Tally(len(spec.tasks)))

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        self._recorder.record_tasks(run_id, transitions)
        if self._display is not None:
            self._display.update(transitions)

    def find_cached(
        self, key: str, *, since: datetime | None = None
    ) -> tuple[Origin, Output] | None:
        return self._recorder.find_cached(key, since=since)

    def append_logs(self, run_id: str, records: Sequence[LogRecord]) -> None:
        self._recorder.append_logs(run_id, records)

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        self._recorder.finish_run(run_id, end)
        self.final_status = end.status
        if self._display is not None:
            self._display.stop()


class ProgressDisplay:
    """Draws a `Tally` on the last line of the terminal, again as time and tasks move on.

    As a context manager it leaves nothing on the terminal behind.
    """

    def __init__(
        self,
        console: Console,
        *,
        clock: Callable[[], float] = time.monotonic,
        interval_seconds: float = 0.2,
    ) -> None:
        self._console = console
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._tally = Tally(0)
        self._started_at = 0.0
        self._drawn_at = 0.0

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, tally: Tally, *, elapsed_seconds: float = 0.0) -> None:
        """Begin to draw the progress of a run that started so long ago."""
        self._tally = tally
        self._started_at = self._clock() - elapsed_seconds
        self._thread = threading.Thread(target=self._keep_time, name="dagy-progress", daemon=True)
        self._thread.start()
        self.write_above("")

    def update(self, transitions: Sequence[TaskTransition]) -> None:
        """Take account of what happened; it is drawn now, or soon if it just was."""
        with self._lock:
            self._tally.add(transitions)
            is_due = self._clock() - self._drawn_at >= _SHORTEST_INTERVAL_SECONDS
        if is_due:
            self.write_above("")

    def show(self, tally: Tally) -> None:
        """Draw another tally from now on."""
        with self._lock:
            self._tally = tally
        self.write_above("")

    def write_above(self, text: str) -> None:
        """Write text, whole lines, where it stays: above the progress."""
        with self._lock:
            is_drawn = self._thread is not None and not self._stopped.is_set()
            line = self._line() if is_drawn else ""
            self._console.write_error(f"{_CLEAR_LINE}{text}{line}")

    def stop(self) -> None:
        """Clear the line and draw no more."""
        if self._thread is None or self._stopped.is_set():
            return
        with self._lock:
            self._stopped.set()
            self._console.write_error(_CLEAR_LINE)
        self._thread.join()

    def _line(self) -> str:
        width = self._console.columns - 1  # the last column would wrap
        self._drawn_at = self._clock()
        return self._tally.text(self._drawn_at - self._started_at, width)

    def _keep_time(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            self.write_above("")
