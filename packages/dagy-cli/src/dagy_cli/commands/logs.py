"""`dagy logs`: what a run logged."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.cells import log_cells
from dagy_cli.render.view import Lines, View
from dagy_types import log_document


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy logs`."""
    parser.description = "Show what a run logged, oldest first."
    parser.add_argument("run_id", metavar="RUN", help="the id of the run")
    parser.add_argument(
        "--task",
        metavar="TASK",
        help="only this task and its children, by its id or name; 'step[3]' is one child",
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on with new lines until the run ends"
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy logs RUN --follow",
        "dagy logs RUN --task load",
        "dagy logs RUN --task 'step[3]'",
        "dagy logs RUN --format jsonl | grep ERROR",
    )
    parser.set_defaults(handler=show_logs)


def show_logs(args: Namespace, app: App) -> Answer:
    """Return the log records of a run as they are read."""
    records = app.store.read_logs(args.run_id, task=args.task, follow=args.follow)
    return Answer(
        View(
            documents=(log_document(record) for record in records),
            is_list=True,
            blocks=(Lines(log_cells(record) for record in records),),
            is_live=args.follow,
        )
    )
