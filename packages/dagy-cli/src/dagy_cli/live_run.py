"""A run that this process executes: shown while it goes on, and told of if it is stopped."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from dagy_cli.app import Answer, App
from dagy_cli.arguments import positive_number
from dagy_cli.log_echo import log_echo
from dagy_cli.outcome import outcome_answer
from dagy_cli.parser import CommandParser
from dagy_cli.progress import ProgressDisplay, WatchedRecorder, display_for
from dagy_cli.render import surface_of
from dagy_cli.termination import Terminated
from dagy_types import Run, RunRecorder, RunStatus

if TYPE_CHECKING:
    from dagy.local import LocalLogger, RunResult

_EXECUTORS = ("threads", "processes")


class Ended(NamedTuple):
    """A run that has ended, and what its flow returned if it succeeded."""

    run_id: str
    value: Any


def add_execution_options(parser: CommandParser) -> None:
    """Add how a run is executed, which every command that executes one has."""
    add = parser.add_argument
    add(
        "--executor",
        choices=_EXECUTORS,
        help="what tasks run in (as the flow says; else threads)",
    )
    add("--max-workers", type=positive_number, metavar="N", help="how many tasks may run at once")
    add(
        "--fail-fast",
        action=BooleanOptionalAction,
        default=None,
        help="whether the first failure ends the run (as the flow says; else it does)",
    )


def execute(
    start: Callable[[RunRecorder, LocalLogger], RunResult],
    app: App,
    *,
    announcement: Callable[[Run], str],
) -> Ended:
    """Execute a run to its end and show how far it is.

    Args:
        start: Runs the flow with this recorder and this logger.
        announcement: What to say once the run is recorded and before any task of it starts.
    """

    def announce(run: Run) -> None:
        app.console.note(announcement(run))

    display = display_for(app.console)
    recorder = WatchedRecorder(app.store, announce=announce, display=display)
    try:
        with display or nullcontext():
            result = start(recorder, _logger(app, display))
    except (KeyboardInterrupt, Terminated):
        for line in _stopped_lines(recorder):
            app.console.alert(line)
        raise
    value = result.result() if result.status is RunStatus.SUCCEEDED else None
    return Ended(result.run_id, value)


def answer_of(ended: Ended, app: App) -> Answer:
    """Return what became of the run, with the exit code that its outcome has."""
    run, task_runs = app.store.get_run(ended.run_id), app.store.list_task_runs(ended.run_id)
    return outcome_answer(run, task_runs, value=ended.value)


def _logger(app: App, display: ProgressDisplay | None) -> LocalLogger:
    from dagy.local import LocalLogger, is_verbose

    show = app.console.write_error if display is None else display.write_above
    surface = surface_of(app.console, app.console.stderr)
    verbose = app.options.is_verbose or is_verbose(app.environ)
    return LocalLogger(
        verbose=verbose,
        quiet=app.options.is_quiet,
        echo=log_echo(show, surface, is_verbose=verbose),
    )


def _stopped_lines(recorder: WatchedRecorder) -> list[str]:
    if recorder.run_id is None:
        return []
    if recorder.final_status is None:
        what = "was cut off before its end was recorded"
    else:
        what = f"is recorded as {recorder.final_status}"
    return [f"Run {recorder.run_id} {what}.", f"See: dagy runs show {recorder.run_id}"]
