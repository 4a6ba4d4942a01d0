"""`dagy runs watch`: follow a run that somebody else started, and end as it ends."""

from __future__ import annotations

from argparse import Namespace
from contextlib import nullcontext
from dataclasses import replace

from dagy_cli.app import Answer, App
from dagy_cli.arguments import positive_seconds
from dagy_cli.exit_codes import ExitCode
from dagy_cli.failure import complaint_lines
from dagy_cli.outcome import outcome_answer, outcome_view
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.progress import display_for
from dagy_cli.termination import Terminated
from dagy_cli.watching import DisplayFeed, wait_for_end
from dagy_types import Run


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs watch`."""
    parser.description = (
        "Follow a run of this machine until it ends, and exit with the code of its outcome."
    )
    add = parser.add_argument
    add("run_id", metavar="RUN", help="the id of the run")
    add(
        "--timeout",
        type=positive_seconds,
        metavar="SECONDS",
        help="watch no longer than this; the run goes on, the exit code is 124",
    )
    add(
        "--no-exit-status",
        action="store_true",
        help="exit with 0 when the run has ended, however it did",
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy runs watch RUN",
        "dagy runs watch RUN --timeout 60",
        "dagy runs watch RUN --no-exit-status --format json",
    )
    parser.set_defaults(handler=watch_run)


def watch_run(args: Namespace, app: App) -> Answer:
    """Return the run once it has ended, or as it is when the time is up."""
    run = app.store.get_run(args.run_id)
    if not run.status.is_terminal:
        run = _wait(run, args.timeout, app)
    task_runs = app.store.list_task_runs(run.run_id)
    if not run.status.is_terminal:
        return Answer(
            outcome_view(run, task_runs),
            exit_code=ExitCode.WAIT_EXPIRED,
            complaints=complaint_lines(
                f"Run {run.run_id} has not ended within {args.timeout:g} s. It continues.",
                f"Re-attach with: dagy runs watch {run.run_id}",
            ),
        )
    answer = outcome_answer(run, task_runs)
    return replace(answer, exit_code=ExitCode.OK) if args.no_exit_status else answer


def _wait(run: Run, timeout_seconds: float | None, app: App) -> Run:
    display = display_for(app.console)
    try:
        app.console.note(f"Run {run.run_id} (local): {run.flow_name}")
        with display or nullcontext():
            if display is None:
                return wait_for_end(app.store, run.run_id, timeout_seconds=timeout_seconds)
            feed = DisplayFeed(app.store, display)
            return wait_for_end(
                app.store, run.run_id, timeout_seconds=timeout_seconds, on_look=feed.look
            )
    except (KeyboardInterrupt, Terminated):
        app.console.alert(
            f"Run {run.run_id} continues; re-attach with: dagy runs watch {run.run_id}"
        )
        raise
