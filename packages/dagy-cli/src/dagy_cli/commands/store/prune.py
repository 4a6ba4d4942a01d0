"""`dagy store prune`: remove runs that are old, and what belongs to no run."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime, timezone

from dagy_cli.app import Answer, App
from dagy_cli.arguments import moment_since, positive_number
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.cells import counted
from dagy_cli.terminal_input import can_ask, confirm
from dagy_types.errors import UsageError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy store prune`."""
    parser.description = (
        "Remove runs that have ended, with their tasks, logs and outputs. What a run that is\n"
        "kept builds on is kept, too. Nothing is ever removed unless this command says so."
    )
    add = parser.add_argument
    add("--older-than", metavar="WHEN", help="runs created before 30d ago, or an ISO time")
    add(
        "--keep-last",
        type=positive_number,
        default=0,
        metavar="N",
        help="but not the newest so many of each flow",
    )
    add("--dry-run", action="store_true", help="show what would be removed, and remove nothing")
    add("--yes", action="store_true", help="do not ask")
    add_format_option(parser)
    parser.add_examples(
        "dagy store prune --older-than 30d --dry-run",
        "dagy store prune --older-than 30d --keep-last 100 --yes",
    )
    parser.set_defaults(handler=prune_store)


def prune_store(args: Namespace, app: App) -> Answer:
    """Remove what is to go, and return it.

    Raises:
        UsageError: When it is not said what is to go, or nobody has agreed.
        StoreError: When there is no record, or it cannot be written.
    """
    from dagy_cli.store_views import prune_view
    from dagy_store import local_directory
    from dagy_store.maintenance import prune

    now = datetime.now(timezone.utc)
    if args.older_than is None and not args.keep_last:
        raise UsageError(
            "It is not said which runs are to go.",
            hint="Add --older-than 30d, or --keep-last 100, or both.",
        )
    older_than = args.older_than
    before = now if older_than is None else moment_since(older_than, now, option="--older-than")
    directory = local_directory(app.environ)
    if not args.dry_run and not args.yes:
        planned = prune(directory, before=before, keep_last=args.keep_last, is_dry_run=True)
        if not planned.run_ids and not planned.orphans:
            return Answer(prune_view(planned, is_dry_run=False))
        _require_consent(app, counted(len(planned.run_ids), "run"))
    pruned = prune(directory, before=before, keep_last=args.keep_last, is_dry_run=args.dry_run)
    return Answer(prune_view(pruned, is_dry_run=args.dry_run))


def _require_consent(app: App, what: str) -> None:
    if not can_ask(app):
        raise UsageError(
            f"{what} would be removed, and nobody can be asked here.",
            hint="Look at them with --dry-run, then add --yes.",
        )
    if not confirm(f"Remove {what} for good?", app.console):
        raise UsageError("Nothing is removed: the answer was not yes.", hint="Add --yes.")
