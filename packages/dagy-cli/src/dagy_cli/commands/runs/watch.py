"""`dagy runs watch`: follow a run that somebody else started, and end as it ends."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.arguments import positive_seconds
from dagy_cli.exit_codes import ExitCode
from dagy_cli.following import answer_after_wait, wait_and_show
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.run_places import add_run_argument, place_of_run


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs watch`."""
    parser.description = (
        "Follow a run, of this machine or a server, until it ends, and exit with the code of its\n"
        "outcome."
    )
    add = parser.add_argument
    add_run_argument(parser)
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
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy runs watch RUN",
        "dagy runs watch RUN --timeout 60",
        "dagy runs watch RUN --no-exit-status --format json",
    )
    parser.set_defaults(handler=watch_run)


def watch_run(args: Namespace, app: App) -> Answer:
    """Return the run once it has ended, or as it is when the time is up."""
    place, run = place_of_run(args, app)
    if not run.status.is_terminal:
        run = wait_and_show(run, place, app, what=run.flow_name, timeout_seconds=args.timeout)
    answer = answer_after_wait(run, place, timeout_seconds=args.timeout)
    is_over = run.status.is_terminal and args.no_exit_status
    return answer._replace(exit_code=ExitCode.OK) if is_over else answer
