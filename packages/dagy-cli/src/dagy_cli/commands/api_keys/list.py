"""`dagy api-keys list`: the keys of an organisation."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.api_key_views import keys_view
from dagy_cli.app import Answer, App
from dagy_cli.parser import (
    CommandParser,
    add_format_option,
    add_limit_option,
)


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy api-keys list`."""
    parser.description = "List the API keys that are good, the newest first, without their secrets."
    add_limit_option(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples("dagy api-keys list", "dagy api-keys list --profile prod --format json")
    parser.set_defaults(handler=list_keys)


def list_keys(args: Namespace, app: App) -> Answer:
    """Return the keys."""
    found = list(app.client().api_keys.list(limit=args.limit))
    return Answer(keys_view(found), notes=() if found else ("There are no API keys.",))
