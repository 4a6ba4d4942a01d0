"""`dagy logs`: what a run logged."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import islice

from dagy_cli.app import Answer, App
from dagy_cli.arguments import moment_since, positive_number
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.cells import log_cells
from dagy_cli.render.view import Lines, View
from dagy_cli.run_places import add_run_argument, place_of_run
from dagy_types import LogRecord, log_document


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy logs`."""
    parser.description = "Show what a run, of this machine or a server, logged, oldest first."
    add_run_argument(parser)
    parser.add_argument(
        "--task",
        metavar="TASK",
        help="only this task and its children, by its id or name; 'step[3]' is one child",
    )
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on with new lines until the run ends"
    )
    parser.add_argument(
        "--tail", type=positive_number, metavar="N", help="only the last N lines, and new ones"
    )
    parser.add_argument(
        "--since", metavar="WHEN", help="only lines since 30m, 24h, 7d or an ISO time"
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy logs RUN -f --tail 50",
        "dagy logs RUN --since 10m",
        "dagy logs RUN --task load",
        "dagy logs RUN --task 'step[3]'",
        "dagy logs RUN --format jsonl | grep ERROR",
    )
    parser.set_defaults(handler=show_logs)


def show_logs(args: Namespace, app: App) -> Answer:
    """Return the log records of a run as they are read."""
    place, run = place_of_run(args, app)
    since = None if args.since is None else moment_since(args.since, datetime.now(timezone.utc))

    def read(*, follow: bool) -> Iterator[LogRecord]:
        records = place.reader.read_logs(run.run_id, task=args.task, follow=follow)
        return (each for each in records if since is None or each.at >= since)

    records = read(follow=args.follow)
    if args.tail is not None:
        # What there is comes first in both readings, so that nothing is missed between them.
        there = sum(1 for _ in read(follow=False))
        records = islice(records, max(0, there - args.tail), None)
    return Answer(
        View(
            documents=(log_document(record) for record in records),
            is_list=True,
            blocks=(Lines(log_cells(record) for record in records),),
            is_live=args.follow,
        )
    )
