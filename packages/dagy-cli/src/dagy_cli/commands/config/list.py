"""`dagy config list`: the profiles in the file."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.config_file import read_config_file
from dagy_cli.config_views import profiles_view
from dagy_cli.parser import CommandParser, add_format_option
from dagy_store import local_directory


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config list`."""
    parser.description = "List the profiles in config.yaml."
    add_format_option(parser, has_names=True)
    parser.add_examples("dagy config list", "dagy config list --format yaml")
    parser.set_defaults(handler=list_profiles)


def list_profiles(args: Namespace, app: App) -> Answer:
    """Return the profiles."""
    file = read_config_file(local_directory(app.environ))
    nothing = f"There are no profiles in {file.path}. Run: dagy config set api_url URL"
    is_told = not file.profiles and args.format == "table"
    return Answer(profiles_view(file), notes=(nothing,) if is_told else ())
