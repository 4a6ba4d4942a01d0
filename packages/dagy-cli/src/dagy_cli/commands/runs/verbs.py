"""`dagy runs`: list the runs of this machine, look at one, resume one, compare two."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "list": ("dagy_cli.commands.runs.list", "list runs, the newest first"),
    "show": ("dagy_cli.commands.runs.show", "show a run and its tasks"),
    "watch": ("dagy_cli.commands.runs.watch", "follow a run until it ends"),
    "resume": ("dagy_cli.commands.runs.resume", "run what a run left undone"),
    "diff": ("dagy_cli.commands.runs.diff", "compare two runs"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy runs`."""
    parser.description = "Look at the runs recorded on this machine, and resume them."
    parser.add_examples("dagy runs list --limit 5", "dagy runs show RUN", "dagy runs resume RUN")
    add_branches(parser, VERBS)
