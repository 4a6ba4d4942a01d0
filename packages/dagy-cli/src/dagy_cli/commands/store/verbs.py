"""`dagy store`: look after the record of runs of this machine."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "backup": ("dagy_cli.commands.store.backup", "copy the database into a file"),
    "check": ("dagy_cli.commands.store.check", "look whether the record is sound"),
    "repair": ("dagy_cli.commands.store.repair", "save what can be read of a damaged record"),
    "prune": ("dagy_cli.commands.store.prune", "remove runs that are old"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy store`."""
    parser.description = "Look after the record of runs of this machine."
    parser.add_examples("dagy store check", "dagy store prune --older-than 30d --dry-run")
    add_branches(parser, VERBS)
