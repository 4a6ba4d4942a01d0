"""`dagy flows list`: the versions of flows that a server has."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.catalogue_views import flows_view
from dagy_cli.parser import (
    CommandParser,
    add_catalogue_options,
    add_format_option,
)


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy flows list`."""
    parser.description = "List the versions of flows at a server, the newest first."
    add_catalogue_options(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy flows list --flow daily",
        "dagy flows list --namespace data/ingestion --limit 100 --format json",
    )
    parser.set_defaults(handler=list_flows)


def list_flows(args: Namespace, app: App) -> Answer:
    """Return the versions that the filters let through."""
    client = app.client()
    found = list(client.flows.list(flow_name=args.flow, namespace=args.namespace, limit=args.limit))
    nothing = ("No flow is found. To bring one there: dagy deploy ARTIFACT.zip",)
    return Answer(flows_view(found), notes=() if found else nothing)
