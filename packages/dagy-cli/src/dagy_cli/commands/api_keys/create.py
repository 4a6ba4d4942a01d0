"""`dagy api-keys create`: a new key, shown once."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.api_key_views import new_key_view
from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy api-keys create`."""
    parser.description = (
        "Make an API key for a program, and print it, once: nobody can get it again. It may do\n"
        "what its scopes name and you may do, and no more."
    )
    parser.add_argument("name", metavar="NAME", help="what the key is for")
    parser.add_argument(
        "--scope",
        metavar="PERMISSION",
        action="append",
        required=True,
        dest="scopes",
        help="what it may do, such as flows.read or runs.trigger; may be repeated",
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy api-keys create dashboard --scope runs.read",
        "dagy api-keys create ci --scope runs.trigger --format json | vault-import",
    )
    parser.set_defaults(handler=create_key)


def create_key(args: Namespace, app: App) -> Answer:
    """Return the new key."""
    key = app.client().api_keys.create(args.name, scopes=args.scopes)
    return Answer(
        new_key_view(key),
        notes=(f"Key {key.key_id} ({key.name}) may: {', '.join(key.scopes)}",),
        complaints=(
            "warning: This is the only time that the key is shown. Keep it as you keep a password.",
        ),
    )
