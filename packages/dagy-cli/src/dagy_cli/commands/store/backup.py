"""`dagy store backup`: the database of the record, in a file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy store backup`."""
    parser.description = (
        "Copy the database of the record, as it is at one moment, into a file; runs go on.\n"
        "Logs, and outputs of more than 8 KiB, are not in it: they are in runs/ and artifacts/\n"
        "beside it. To go back, put the file in the place of dagy.db, and remove dagy.db-wal."
    )
    parser.add_argument("file", metavar="FILE", help="where it goes; must not be there yet")
    add_format_option(parser)
    parser.add_examples("dagy store backup runs-2026-11-30.db")
    parser.set_defaults(handler=back_up)


def back_up(args: Namespace, app: App) -> Answer:
    """Write the file.

    Raises:
        UsageError: When it is there already.
        StoreError: When the record cannot be read, or the file not be written.
    """
    from dagy_cli.store_views import backup_view
    from dagy_store import local_directory
    from dagy_store.maintenance import backup

    size = backup(local_directory(app.environ), Path(args.file))
    return Answer(backup_view(args.file, size))
