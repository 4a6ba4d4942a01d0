"""`dagy deployments list`: the names under which flows run at a server."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.catalogue_views import deployments_view
from dagy_cli.parser import (
    CommandParser,
    add_catalogue_options,
    add_format_option,
)


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy deployments list`."""
    parser.description = "List the deployments of a server, the newest first."
    add_catalogue_options(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy deployments list --flow daily", "dagy deployments list --profile prod --format json"
    )
    parser.set_defaults(handler=list_deployments)


def list_deployments(args: Namespace, app: App) -> Answer:
    """Return the deployments that the filters let through."""
    client = app.client()
    found = list(
        client.deployments.list(flow_name=args.flow, namespace=args.namespace, limit=args.limit)
    )
    nothing = ("No deployment is found. To make one: dagy deploy ARTIFACT.zip",)
    return Answer(deployments_view(found), notes=() if found else nothing)
