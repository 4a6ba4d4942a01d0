"""`dagy config path`: where the file of profiles is."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.config_file import FILE_NAME
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.view import Cell, Lines, View
from dagy_store import local_directory


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config path`."""
    parser.description = "Print where config.yaml is, or would be."
    add_format_option(parser)
    parser.add_examples("dagy config path", "dagy config path --format json")
    parser.set_defaults(handler=show_path)


def show_path(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets both
    """Return the path."""
    path = local_directory(app.environ) / FILE_NAME
    return Answer(
        View(
            documents=[{"path": str(path), "exists": path.exists()}],
            is_list=False,
            blocks=[Lines([[Cell(str(path))]])],
        )
    )
