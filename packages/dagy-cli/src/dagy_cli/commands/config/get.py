"""`dagy config get`: what the file says for one key."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.config_file import read_config_file
from dagy_cli.config_keys import DEFAULT_PROFILE, KEYS
from dagy_cli.config_views import value_in, value_view
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import Profile, profile_to_change
from dagy_store import local_directory
from dagy_types.errors import NotFoundError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config get`."""
    parser.description = (
        "Print what config.yaml says for a key of a profile, or which profile is the default.\n"
        "What is in force, whoever says it, is in: dagy config explain"
    )
    parser.add_argument(
        "key", choices=(DEFAULT_PROFILE, *KEYS), metavar="KEY", help=", ".join(KEYS)
    )
    add_format_option(parser)
    parser.add_examples("dagy config get api_url --profile prod", "dagy config get default_profile")
    parser.set_defaults(handler=get_value)


def get_value(args: Namespace, app: App) -> Answer:
    """Return one value.

    Raises:
        NotFoundError: When the file does not say.
    """
    file = read_config_file(local_directory(app.environ))
    profile: str | None = None
    value: str | bool | None = file.default_profile
    if args.key != DEFAULT_PROFILE:
        profile = profile_to_change(app.options.profile, app.environ, file)
        value = value_in(file.profiles.get(profile, Profile()), args.key)
    if value is None:
        owner = "" if profile is None else f" for profile {profile!r}"
        raise NotFoundError(
            f"{file.path} says no {args.key}{owner}.", hint="What is in force: dagy config explain"
        )
    return Answer(value_view(args.key, value, profile=profile))
