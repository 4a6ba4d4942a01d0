"""Waiting for the end of a run that another process or a server executes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext

from dagy_cli.app import Answer, App
from dagy_cli.exit_codes import ExitCode
from dagy_cli.failure import complaint_lines
from dagy_cli.log_echo import log_echo
from dagy_cli.outcome import outcome_answer, outcome_view
from dagy_cli.progress import ProgressDisplay, display_for
from dagy_cli.render import surface_of
from dagy_cli.run_places import Place
from dagy_cli.termination import Terminated
from dagy_cli.watching import DisplayFeed, wait_for_end
from dagy_types import LogRecord, Run, RunReader
from dagy_types.errors import DagyError

REMOTE_INTERVAL_SECONDS = 2.0
"""Between two looks at a server, which limits requests; its log tells sooner of the end."""

_SPEAKS_FOR_ITSELF = ("dagy.engine", "dagy.server")  # their errors are those of the run
_GRACE_SECONDS = 5.0


def wait_and_show(
    run: Run,
    place: Place,
    app: App,
    *,
    what: str,
    timeout_seconds: float | None = None,
    shows_log: bool = False,
) -> Run:
    """Return the run once it has ended, or as it is when the time is up; show how far it is.

    Args:
        what: What it is, for people.
        shows_log: Whether to show what it logs meanwhile.
    """
    display = display_for(app.console)
    look = DisplayFeed(place.reader, display).look if display is not None else _nothing
    try:
        app.console.note(f"Run {run.run_id} ({place.name}): {what}")
        with display or nullcontext():
            if place.client is None:
                return wait_for_end(
                    place.reader, run.run_id, timeout_seconds=timeout_seconds, on_look=look
                )
            with _LogReader(run, place.reader, _echo(app, display, shows_log)) as log:
                run = wait_for_end(
                    place.reader,
                    run.run_id,
                    timeout_seconds=timeout_seconds,
                    on_look=look,
                    interval_seconds=REMOTE_INTERVAL_SECONDS,
                    sleep=log.rest,
                )
                if run.status.is_terminal:
                    log.read_to_end()
                return run
    except (KeyboardInterrupt, Terminated):
        for line in continues_lines(run, place):
            app.console.alert(line)
        raise


def answer_after_wait(run: Run, place: Place, *, timeout_seconds: float | None) -> Answer:
    """Return the outcome of a run, or that the time was up before it."""
    task_runs = place.reader.list_task_runs(run.run_id)
    if run.status.is_terminal:
        return outcome_answer(run, task_runs)
    return Answer(
        outcome_view(run, task_runs),
        exit_code=ExitCode.WAIT_EXPIRED,
        complaints=complaint_lines(
            f"Run {run.run_id} has not ended within {timeout_seconds:g} s. It continues.",
            f"Re-attach with: dagy runs watch {run.run_id}",
        ),
    )


def continues_lines(run: Run, place: Place) -> list[str]:
    """Return what to tell whoever no longer waits for a run."""
    attach = f"Run {run.run_id} continues; re-attach with: dagy runs watch {run.run_id}"
    stop = f"Stop it with: dagy runs cancel {run.run_id}"
    return [attach] if place.client is None else [attach, stop]


class _LogReader:
    """Reads the log of a run in a thread, and so learns at once when the run ends."""

    def __init__(self, run: Run, reader: RunReader, echo: Callable[[LogRecord], None]) -> None:
        self._run, self._reader, self._echo = run, reader, echo
        self._is_left = False
        self._count = 0
        self._thread = threading.Thread(target=self._read, name="dagy-log", daemon=True)

    def __enter__(self) -> _LogReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_left = True

    def read_to_end(self) -> None:
        """Wait for the last lines of a run that has ended, as long as any arrive."""
        seen = -1
        while self._thread.is_alive() and seen < self._count:
            seen = self._count
            self._thread.join(_GRACE_SECONDS)

    def rest(self, seconds: float) -> None:
        """Wait, but not longer than there may be more lines."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        else:  # it has ended, or the connection was lost for good: the next look tells
            time.sleep(seconds)

    def _read(self) -> None:
        try:
            for record in self._reader.read_logs(self._run.run_id, follow=True):
                if self._is_left:
                    return
                self._count += 1
                self._echo(record)
        except DagyError:
            return  # whoever waits meets the same with the next look
        except Exception:
            if not self._is_left:  # else the client was closed meanwhile
                raise


def _echo(
    app: App, display: ProgressDisplay | None, shows_log: bool
) -> Callable[[LogRecord], None]:
    if not shows_log or app.console.is_quiet:
        return _nothing
    show = app.console.write_error if display is None else display.write_above
    is_verbose = app.options.is_verbose
    echo = log_echo(show, surface_of(app.console, app.console.stderr), is_verbose=is_verbose)

    def echo_some(record: LogRecord) -> None:
        if is_verbose or _is_worth_showing(record):
            echo(record)

    return echo_some


def _is_worth_showing(record: LogRecord) -> bool:
    if record.logger in _SPEAKS_FOR_ITSELF:
        return False
    return record.logger in ("stdout", "stderr") or record.level in ("WARNING", "ERROR", "CRITICAL")


def _nothing(_: object) -> None:
    return None
