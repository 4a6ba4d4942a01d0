"""`dagy store check`: whether the record is sound."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy store check`."""
    parser.description = (
        "Look whether the record of runs is sound: its database, and the files beside it.\n"
        "Nothing is changed. The exit code is 9 when something is wrong."
    )
    parser.add_argument(
        "--full", action="store_true", help="read every page and index; takes longer"
    )
    add_format_option(parser)
    parser.add_examples("dagy store check", "dagy store check --full --format json")
    parser.set_defaults(handler=check_store)


def check_store(args: Namespace, app: App) -> Answer:
    """Return what is wrong.

    Raises:
        StoreError: When there is no record, or it cannot be opened.
    """
    from dagy_cli.store_views import check_view
    from dagy_store import local_directory
    from dagy_store.maintenance import check

    checked = check(local_directory(app.environ), is_full=args.full)
    if not checked.problems:
        return Answer(check_view(checked))
    hint = (
        "hint: What belongs to no run, dagy store prune removes. Else: dagy store repair --to NEW"
    )
    return Answer(check_view(checked), exit_code=ExitCode.LOCAL_STATE, complaints=(hint,))
