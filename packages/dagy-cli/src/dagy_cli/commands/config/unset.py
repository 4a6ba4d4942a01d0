"""`dagy config unset`: remove one value of the file."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.config_edit import editing
from dagy_cli.config_keys import DEFAULT_PROFILE, KEYS
from dagy_cli.config_views import value_view
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import profile_to_change
from dagy_store import local_directory


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config unset`."""
    parser.description = (
        "Remove a key of a profile from config.yaml, or leave open which profile is the default."
    )
    keys = (DEFAULT_PROFILE, *KEYS)
    parser.add_argument("key", choices=keys, metavar="KEY", help=", ".join(keys))
    add_format_option(parser)
    parser.add_examples(
        "dagy config unset app_url --profile prod", "dagy config unset default_profile"
    )
    parser.set_defaults(handler=unset_value)


def unset_value(args: Namespace, app: App) -> Answer:
    """Remove it.

    Raises:
        NotFoundError: When the file does not have it.
    """
    profile: str | None = None
    with editing(local_directory(app.environ)) as editor:
        if args.key == DEFAULT_PROFILE:
            editor.choose_none()
        else:
            profile = profile_to_change(app.options.profile, app.environ, editor.file)
            editor.unset(profile, args.key)
    return Answer(value_view(args.key, None, profile=profile))
