"""`dagy runs cancel`: end a run of a server."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.run_places import add_run_argument, place_of_run
from dagy_cli.run_views import run_view
from dagy_types.errors import ConflictError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs cancel`."""
    parser.description = (
        "End a run of a server, and the tasks of it that are under way. What has succeeded stays\n"
        "recorded. (A run of this machine is ended where it runs, by Ctrl-C.)"
    )
    add_run_argument(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples("dagy runs cancel RUN", "dagy runs cancel RUN --profile prod")
    parser.set_defaults(handler=cancel_run)


def cancel_run(args: Namespace, app: App) -> Answer:
    """Return the run as it stands then."""
    place, run = place_of_run(args, app)
    if place.client is None:
        raise ConflictError(
            f"Run {run.run_id} is one of this machine, and {run.status}.",
            hint="It has ended."
            if run.status.is_terminal
            else "Press Ctrl-C where it runs, or end that process.",
        )
    run = place.client.runs.cancel(run.run_id)
    return Answer(run_view(run), notes=(f"Run {run.run_id} is {run.status}.",))
