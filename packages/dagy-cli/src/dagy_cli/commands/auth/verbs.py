"""`dagy auth`: look at the logins of this machine, and hand a token to another program."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "status": ("dagy_cli.commands.auth.status", "show every login of this machine"),
    "token": ("dagy_cli.commands.auth.token", "print an access token, for scripts"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy auth`."""
    parser.description = "Look at the logins of this machine, and hand a token to another program."
    parser.add_examples("dagy auth status", "dagy auth token | my-tool --with-token")
    add_branches(parser, VERBS)
