"""`dagy runs push`: send a run of this machine to a server."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.cells import counted
from dagy_cli.run_places import add_run_id, find_run, server_place
from dagy_cli.run_views import run_view
from dagy_types.errors import ConflictError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs push`."""
    parser.description = (
        "Send a run of this machine to a server: its graph, its tasks and its log. It is the same\n"
        "run there, under the same id. (What tasks returned stays on this machine.) A push that\n"
        "was cut short can be repeated."
    )
    add_run_id(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples("dagy runs push RUN", "dagy runs push RUN --profile prod")
    parser.set_defaults(handler=push_run)


def push_run(args: Namespace, app: App) -> Answer:
    """Return the run as the server has it then."""
    run = find_run(app.store, args.run_id)
    if not run.status.is_terminal:
        raise ConflictError(
            f"Run {run.run_id} is {run.status}: it can be sent once it has ended.",
            hint=f"Run: dagy runs watch {run.run_id}",
        )
    place = server_place(app)
    assert place.client is not None
    # The reports need the client, which takes long to load.
    from dagy_cli.pushing import push

    pushed = push(run, app.store, place.client)
    run = place.reader.get_run(run.run_id)
    sent = f"{counted(pushed.tasks, 'task')}, {counted(pushed.logs, 'message')}"
    notes = [f"Run {run.run_id} is at the server: {sent}."]
    if pushed.cut == 1:
        notes.append("1 text was too long for it, and ends with its length.")
    elif pushed.cut:
        notes.append(f"{pushed.cut} texts were too long for it, and end with their lengths.")
    return Answer(run_view(run), notes=tuple(notes))
