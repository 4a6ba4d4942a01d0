"""`dagy config delete`: remove a profile from the file."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.config_edit import editing
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.view import Cell, Lines, View
from dagy_store import local_directory


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config delete`."""
    parser.description = "Remove a profile from config.yaml. Its login stays until dagy logout."
    parser.add_argument("name", metavar="PROFILE", help="its name")
    add_format_option(parser)
    parser.add_examples("dagy config delete dev")
    parser.set_defaults(handler=delete_profile)


def delete_profile(args: Namespace, app: App) -> Answer:
    """Remove it.

    Raises:
        NotFoundError: When there is none of that name.
    """
    with editing(local_directory(app.environ)) as editor:
        editor.delete(args.name)
    return Answer(
        View(
            documents=[{"name": args.name, "deleted": True}],
            is_list=False,
            blocks=[Lines([[Cell(f"Deleted: {args.name}")]])],
        ),
        notes=(f"If there is a login for it: dagy logout --profile {args.name}",),
    )
