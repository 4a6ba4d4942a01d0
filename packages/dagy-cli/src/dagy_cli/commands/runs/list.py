"""`dagy runs list`: the runs of this machine, or of a server."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import datetime, timezone

from dagy_cli.app import Answer, App
from dagy_cli.arguments import moment_since, positive_number, run_status
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.view import View
from dagy_cli.run_places import add_place_options, server_place
from dagy_cli.run_views import runs_table
from dagy_types import RunOrder, RunQuery, run_document


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs list`."""
    parser.description = "List runs, the newest first."
    add = parser.add_argument
    add("--limit", type=positive_number, default=20, metavar="N", help="at most so many (20)")
    add("--status", type=run_status, metavar="STATUS", help="only runs in this status")
    add("--flow", metavar="NAME", help="only runs of the flow with this name")
    add("--since", metavar="WHEN", help="only runs created since 30m, 24h, 7d or an ISO time")
    add(
        "--sort",
        choices=[each.value for each in RunOrder],
        default=RunOrder.CREATED_DESCENDING.value,
        help="created or started, with a minus the latest first (-created)",
    )
    add("--cursor", metavar="RUN", help="go on after the run with this id")
    add_place_options(
        parser, here="the runs of this machine (the default)", there="the runs of the server"
    )
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy runs list --status failed --since 24h",
        "dagy runs list --flow daily --format json",
        "dagy runs list --remote --status running",
        "dagy runs list --sort -started --limit 100",
        "dagy runs list --status failed --format name | xargs -n1 dagy runs resume",
    )
    parser.set_defaults(handler=list_runs)


def list_runs(args: Namespace, app: App) -> Answer:
    """Return the runs that the filters let through."""
    since = None if args.since is None else moment_since(args.since, datetime.now(timezone.utc))
    reader = server_place(app).reader if args.remote else app.store
    query = RunQuery(
        status=args.status,
        flow_name=args.flow,
        since=since,
        order=RunOrder(args.sort),
        after=args.cursor,
    )
    runs = reader.list_runs(query, limit=args.limit + 1)
    has_more, runs = len(runs) > args.limit, runs[: args.limit]
    view = View(
        documents=[run_document(run) for run in runs],
        is_list=True,
        blocks=[runs_table(runs)],
        name_field="run_id",
    )
    if has_more:
        return Answer(view, notes=(f"There are more: --cursor {runs[-1].run_id}",))
    if runs or args.format != "table":
        return Answer(view)
    return Answer(view, notes=(_why_none(query, args),))


def _why_none(query: RunQuery, args: Namespace) -> str:
    if replace(query, order=RunOrder.CREATED_DESCENDING) != RunQuery():
        return "No run matches."
    if args.remote:
        return "The server has no runs yet. Run: dagy run DEPLOYMENT"
    return "No runs are recorded yet. Run: dagy run PATH.py:FLOW"
