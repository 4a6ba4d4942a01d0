"""`dagy config set`: one value of the file."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.config_edit import editing
from dagy_cli.config_keys import DEFAULT_PROFILE, KEYS, value_of
from dagy_cli.config_views import value_view
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import profile_to_change
from dagy_store import local_directory


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config set`."""
    parser.description = (
        "Set a key of a profile in config.yaml, or which profile is the default.\n"
        "A profile that is new is made. Comments, and keys that are not known here, stay.\n\n"
        + "\n".join(f"  {name:<14} {key.meaning}" for name, key in KEYS.items())
    )
    parser.add_argument("key", choices=(DEFAULT_PROFILE, *KEYS), metavar="KEY", help="which one")
    parser.add_argument("value", metavar="VALUE", help="what it is from now on")
    add_format_option(parser)
    parser.add_examples(
        "dagy config set api_url https://api.dagy.io --profile prod",
        "dagy config set protected true --profile prod",
        "dagy config set default_profile prod",
    )
    parser.set_defaults(handler=set_value)


def set_value(args: Namespace, app: App) -> Answer:
    """Set it, and return it.

    Raises:
        UsageError: When the key does not take such a value.
        NotFoundError: When a profile that is not there is to be the default.
    """
    directory = local_directory(app.environ)
    if args.key == DEFAULT_PROFILE:
        with editing(directory) as editor:
            editor.choose(args.value)
        return Answer(value_view(args.key, args.value, profile=None))
    value = value_of(args.key, args.value)
    with editing(directory) as editor:
        profile = profile_to_change(app.options.profile, app.environ, editor.file)
        editor.set(profile, args.key, value)
    note = f"Set in profile {profile!r}: {args.key}"
    return Answer(value_view(args.key, value, profile=profile), notes=(note,))
