"""`dagy runs`: list the runs of this machine, show one."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime, timezone

from dagy_cli.app import Answer, App
from dagy_cli.arguments import moment_since, positive_number, run_status
from dagy_cli.parser import CommandParser, add_format_option, add_verbs
from dagy_cli.render.view import Cell, Lines, View
from dagy_cli.run_views import run_fields, run_with_tasks_document, runs_table, tasks_table
from dagy_types import run_document


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy runs`."""
    parser.description = "Look at the runs recorded on this machine."
    parser.add_examples("dagy runs list --limit 5", "dagy runs show RUN")
    add_verbs(
        parser,
        [
            ("list", "list runs, the newest first", _configure_list),
            ("show", "show a run and its tasks", _configure_show),
        ],
    )


def _configure_list(parser: CommandParser) -> None:
    parser.description = "List runs, the newest first."
    add = parser.add_argument
    add("--limit", type=positive_number, default=20, metavar="N", help="at most so many (20)")
    add("--status", type=run_status, metavar="STATUS", help="only runs in this status")
    add("--flow", metavar="NAME", help="only runs of the flow with this name")
    add("--since", metavar="WHEN", help="only runs created since 30m, 24h, 7d or an ISO time")
    add_format_option(parser)
    parser.add_examples(
        "dagy runs list --status failed --since 24h",
        "dagy runs list --flow daily --format json",
    )
    parser.set_defaults(handler=list_runs)


def _configure_show(parser: CommandParser) -> None:
    parser.description = "Show a run and its tasks."
    parser.add_argument("run_id", metavar="RUN", help="the id of the run")
    add_format_option(parser)
    parser.add_examples("dagy runs show RUN", "dagy runs show RUN --format yaml")
    parser.set_defaults(handler=show_run)


def list_runs(args: Namespace, app: App) -> Answer:
    """Return the runs that the filters let through."""
    since = None if args.since is None else moment_since(args.since, datetime.now(timezone.utc))
    runs = app.store.list_runs(
        limit=args.limit, status=args.status, flow_name=args.flow, since=since
    )
    view = View(
        documents=[run_document(run) for run in runs], is_list=True, blocks=[runs_table(runs)]
    )
    if runs or args.format != "table":
        return Answer(view)
    is_filtered = args.status is not None or args.flow is not None or since is not None
    return Answer(
        view,
        notes=(
            "No run matches."
            if is_filtered
            else "No runs are recorded yet. Run: dagy run PATH.py:FLOW",
        ),
    )


def show_run(args: Namespace, app: App) -> Answer:
    """Return one run with its tasks."""
    run = app.store.get_run(args.run_id)
    task_runs = app.store.list_task_runs(args.run_id)
    blank_line = Lines([[Cell("")]])
    return Answer(
        View(
            documents=[run_with_tasks_document(run, task_runs)],
            is_list=False,
            blocks=[run_fields(run), blank_line, tasks_table(task_runs)],
        )
    )
