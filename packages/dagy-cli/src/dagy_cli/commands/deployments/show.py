"""`dagy deployments show`: one of the names under which flows run at a server."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.catalogue_views import deployment_view
from dagy_cli.failure import with_hint_for_missing
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy deployments show`."""
    parser.description = "Show what runs under the name of a deployment."
    parser.add_argument("deployment_name", metavar="DEPLOYMENT", help="the name of the deployment")
    add_format_option(parser)
    parser.add_examples(
        "dagy deployments show nightly",
        "dagy deployments show nightly --profile prod --format json",
    )
    parser.set_defaults(handler=show_deployment)


def show_deployment(args: Namespace, app: App) -> Answer:
    """Return one deployment."""
    client = app.client()
    with with_hint_for_missing("Run: dagy deployments list"):
        return Answer(deployment_view(client.deployments.get(args.deployment_name)))
