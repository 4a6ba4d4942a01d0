"""`dagy flows`: look at the flows that a server has."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "list": ("dagy_cli.commands.flows.list", "list versions of flows, the newest first"),
    "show": ("dagy_cli.commands.flows.show", "show a version of a flow and its tasks"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy flows`."""
    parser.description = "Look at the flows that are registered at a server."
    parser.add_examples("dagy flows list", "dagy flows show daily --profile prod")
    add_branches(parser, VERBS)
