"""A run as people watch it: its id at the start, then how far it is, on one redrawn line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from dagy_cli.console import Console
from dagy_cli.escaping import visible
from dagy_cli.render.cells import duration_text
from dagy_types import (
    FlowSpec,
    LogRecord,
    Run,
    RunEnd,
    RunRecorder,
    RunStatus,
    TaskStatus,
    TaskTransition,
)

_CLEAR_LINE = "\r\x1b[2K"


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
            self._display.start(total=len(spec.tasks))

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        self._recorder.record_tasks(run_id, transitions)
        if self._display is not None:
            self._display.update(transitions)

    def append_logs(self, run_id: str, records: Sequence[LogRecord]) -> None:
        self._recorder.append_logs(run_id, records)

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        self._recorder.finish_run(run_id, end)
        self.final_status = end.status
        if self._display is not None:
            self._display.stop()


class TaskState(Protocol):
    """Where a task stands: a transition into a status, or the record of it."""

    @property
    def task_id(self) -> str: ...

    @property
    def status(self) -> TaskStatus: ...


class Tally:
    """How far a run is: which tasks run and how many have ended."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._running: dict[str, None] = {}  # a dict, because they are shown in starting order
        self._finished: set[str] = set()

    def add(self, states: Sequence[TaskState]) -> None:
        """Take account of what happened."""
        for state in states:
            self._running.pop(state.task_id, None)
            self._finished.discard(state.task_id)
            if state.status is TaskStatus.RUNNING:
                self._running[state.task_id] = None
            elif state.status.is_finished:
                self._finished.add(state.task_id)

    def text(self, elapsed_seconds: float, width: int) -> str:
        """Return one line of at most this width."""
        count = f"{len(self._finished)}/{self._total} tasks, {duration_text(elapsed_seconds)}"
        names = ", ".join(visible(task_id) for task_id in self._running)
        line = f"{count}: {names}" if names else count
        return line if len(line) <= width else line[: max(width - 3, 0)] + "..."


class ProgressDisplay:
    """Draws a `Tally` on the last line of the terminal, again whenever time or tasks move on.

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

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, *, total: int, elapsed_seconds: float = 0.0) -> None:
        """Begin to draw the progress of so many tasks, of a run that started so long ago."""
        self._tally = Tally(total)
        self._started_at = self._clock() - elapsed_seconds
        self._thread = threading.Thread(target=self._keep_time, name="dagy-progress", daemon=True)
        self._thread.start()

    def update(self, states: Sequence[TaskState]) -> None:
        """Draw what happened."""
        with self._lock:
            self._tally.add(states)
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
        return self._tally.text(self._clock() - self._started_at, width)

    def _keep_time(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            self.write_above("")
