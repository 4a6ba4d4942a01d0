"""`dagy runs retry`: do what a run of a server left undone, in a new run."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.remote_run import add_waiting_options, answer_of
from dagy_cli.run_places import add_run_argument, place_of_run
from dagy_types.errors import ConflictError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs retry`."""
    parser.description = (
        "Do what a run of a server left undone: a new run takes over the outputs of the tasks\n"
        "that succeeded, and runs the others. (For a run of this machine: dagy runs resume.)"
    )
    add_run_argument(parser)
    add_waiting_options(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy runs retry RUN", "dagy runs retry RUN --detach --format json | jq -r .run_id"
    )
    parser.set_defaults(handler=retry_run)


def retry_run(args: Namespace, app: App) -> Answer:
    """Return the new run, with the exit code that its outcome has."""
    place, earlier = place_of_run(args, app)
    if place.client is None:
        raise ConflictError(
            f"Run {earlier.run_id} is one of this machine.",
            hint=f"Run: dagy runs resume {earlier.run_id}",
        )
    run = place.client.runs.retry(earlier.run_id, idempotency_key=args.idempotency_key)
    return answer_of(run, place, args, app, what=f"{run.flow_name} retries {earlier.run_id}")
