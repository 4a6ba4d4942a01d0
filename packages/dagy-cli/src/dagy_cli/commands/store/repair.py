"""`dagy store repair`: what can still be read of a damaged record, in a new one."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from dagy_cli.app import Answer, App
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy store repair`."""
    parser.description = (
        "Make a new record, in a directory of its own, of all that can still be read of a damaged\n"
        "one. That is not touched. The exit code is 9 when something was lost.\n"
        "To use the new one: set DAGY_LOCAL_DIR to it, or move it to the place of the old one."
    )
    parser.add_argument(
        "--to", required=True, metavar="NEW", help="a directory that is not there yet, or is empty"
    )
    add_format_option(parser)
    parser.add_examples("dagy store repair --to repaired")
    parser.set_defaults(handler=repair)


def repair(args: Namespace, app: App) -> Answer:
    """Save what can be saved, and return how much that is.

    Raises:
        UsageError: When there is something in the new directory.
        StoreError: When there is no record, or none can be made.
    """
    from dagy_cli.store_views import repair_view
    from dagy_store import local_directory
    from dagy_store.maintenance import salvage

    salvaged = salvage(local_directory(app.environ), Path(args.to))
    return Answer(
        repair_view(args.to, salvaged),
        exit_code=ExitCode.LOCAL_STATE if salvaged.lost else ExitCode.OK,
        complaints=tuple(f"lost: {what}" for what in salvaged.lost),
    )
