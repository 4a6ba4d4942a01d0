"""`dagy flows show`: a version of a flow at a server, and its tasks."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.catalogue_views import flow_view
from dagy_cli.failure import with_hint_for_missing
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy flows show`."""
    parser.description = (
        "Show a version of a flow at a server, and its tasks; nothing of its code is run."
    )
    parser.add_argument("flow_name", metavar="FLOW", help="the name of the flow")
    parser.add_argument(
        "--flow-version", metavar="V", help="which version (the one that was registered last)"
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy flows show daily", "dagy flows show daily --flow-version 2 --format json"
    )
    parser.set_defaults(handler=show_flow)


def show_flow(args: Namespace, app: App) -> Answer:
    """Return one version."""
    client = app.client()
    with with_hint_for_missing("Run: dagy flows list"):
        if args.flow_version is None:
            return Answer(flow_view(client.flows.get(args.flow_name)))
        return Answer(flow_view(client.flows.get_version(args.flow_name, args.flow_version)))
