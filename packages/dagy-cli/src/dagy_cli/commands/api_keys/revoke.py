"""`dagy api-keys revoke`: end a key."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.api_key_views import revoked_view
from dagy_cli.app import Answer, App
from dagy_cli.failure import with_hint_for_missing
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy api-keys revoke`."""
    parser.description = (
        "Revoke an API key: its next request is refused, and so are all later ones."
    )
    parser.add_argument("key_id", metavar="KEY_ID", help="its id, as dagy api-keys list has it")
    add_format_option(parser)
    parser.add_examples("dagy api-keys revoke KEY_ID", "dagy api-keys revoke KEY_ID --profile prod")
    parser.set_defaults(handler=revoke_key)


def revoke_key(args: Namespace, app: App) -> Answer:
    """Return which key has ended."""
    with with_hint_for_missing("Run: dagy api-keys list"):
        app.client().api_keys.delete(args.key_id)
    return Answer(revoked_view(args.key_id))
