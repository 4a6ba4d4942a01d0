"""`dagy config`: the profiles of this machine; alone, it asks what to change."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_branches
from dagy_cli.render.view import Verbatim
from dagy_types.errors import UsageError

VERBS: Mapping[str, tuple[str, str]] = {
    "list": ("dagy_cli.commands.config.list", "list the profiles"),
    "get": ("dagy_cli.commands.config.get", "print what the file says for a key"),
    "set": ("dagy_cli.commands.config.set", "set a key; makes the profile if it is new"),
    "unset": ("dagy_cli.commands.config.unset", "remove a key"),
    "delete": ("dagy_cli.commands.config.delete", "remove a profile"),
    "explain": ("dagy_cli.commands.config.explain", "show what is in force, and why"),
    "path": ("dagy_cli.commands.config.path", "print where the file is"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy config`."""
    parser.description = (
        "Look at the profiles in config.yaml, and change them.\n"
        "Without a command it asks, on a terminal, what to change."
    )
    parser.add_examples(
        "dagy config",
        "dagy config set api_url https://api.dagy.io --profile prod",
        "dagy config set default_profile prod",
        "dagy config explain",
    )
    add_branches(parser, VERBS)
    parser.set_defaults(handler=ask, format="text")


def ask(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets both
    """Ask what to change, and change it, until the answer is that nothing is.

    Raises:
        UsageError: When nobody can answer.
    """
    from dagy_cli.terminal_input import can_ask

    if not can_ask(app):
        raise UsageError(
            "dagy config asks questions, and nobody can answer here.",
            hint="Run: dagy config list, or dagy config set KEY VALUE --profile NAME",
        )
    from dagy_cli.config_wizard import run_wizard

    run_wizard(app)
    return Answer(Verbatim(""))
