"""`dagy version`: the versions of all packages of Dagy, and of what they run on."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.view import Cell, Fields, View


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy version`."""
    parser.description = "Show the versions of all packages of Dagy, and of what they run on."
    add_format_option(parser)
    parser.add_examples("dagy version", "dagy version --format json")
    parser.set_defaults(handler=show_versions)


def show_versions(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets both
    """Return what is installed."""
    from dagy_cli.installation import PACKAGES, installation

    found = installation()
    pairs = [
        *((name, Cell(found.packages[name] or "not installed")) for name in PACKAGES),
        ("Python", Cell(found.python)),
        ("SQLite", Cell(found.sqlite)),
        ("Platform", Cell(found.platform)),
    ]
    return Answer(View(documents=[found.document()], is_list=False, blocks=[Fields(pairs)]))
