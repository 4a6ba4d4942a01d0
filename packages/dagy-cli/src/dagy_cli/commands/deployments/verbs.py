"""`dagy deployments`: look at the names under which flows run at a server."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "list": ("dagy_cli.commands.deployments.list", "list deployments, the newest first"),
    "show": ("dagy_cli.commands.deployments.show", "show one deployment"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy deployments`."""
    parser.description = "Look at the deployments of a server: names under which flows run there."
    parser.add_examples("dagy deployments list", "dagy deployments show nightly --format json")
    add_branches(parser, VERBS)
