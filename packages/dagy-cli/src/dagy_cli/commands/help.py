"""`dagy help`: the help of a command, or a page about a topic."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, build_parser
from dagy_cli.render.view import Verbatim


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy help`."""
    parser.description = (
        "Show the help of a command, or a page about a topic:\n"
        "exit-codes (what each means), environment (the variables that count)."
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="a command, or a topic")
    parser.add_examples("dagy help runs list", "dagy help exit-codes", "dagy help environment")
    parser.set_defaults(handler=show_help, format="text")


def show_help(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets it
    """Return a page; the help of a command is its own.

    Raises:
        TextRequest: With the help of a command.
        UsageError: When there is no such command.
    """
    from dagy_cli.help_pages import PAGES

    page = PAGES.get(" ".join(args.words))
    if page is not None:
        return Answer(Verbatim(page()))
    build_parser().parse_args([*args.words, "--help"])
    raise AssertionError("the help of a command ends its parsing")
