"""`dagy config explain`: every setting in force, and where it comes from."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy config explain`."""
    parser.description = (
        "Show every setting in force, and where it comes from: an option, a variable, the\n"
        "profile, or the default, the first of these that says something. No secret is shown."
    )
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy config explain",
        "dagy config explain --profile prod --format json",
    )
    parser.set_defaults(handler=explain)


def explain(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets both
    """Return the settings."""
    from dagy_cli.config_file import read_config_file
    from dagy_cli.config_views import settings_view
    from dagy_cli.profiles import Flags, resolve
    from dagy_cli.settings_report import effective_settings
    from dagy_store import local_directory

    directory = local_directory(app.environ)
    settings = resolve(Flags(profile=app.options.profile), app.environ, read_config_file(directory))
    found = effective_settings(settings, app.environ, local_directory=str(directory))
    return Answer(settings_view(found))
