"""`dagy runs`: list runs, look at one, resume, retry, cancel or push one, compare two."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "list": ("dagy_cli.commands.runs.list", "list runs, the newest first"),
    "show": ("dagy_cli.commands.runs.show", "show a run and its tasks"),
    "watch": ("dagy_cli.commands.runs.watch", "follow a run until it ends"),
    "cancel": ("dagy_cli.commands.runs.cancel", "end a run of a server"),
    "retry": ("dagy_cli.commands.runs.retry", "do what a run of a server left undone"),
    "resume": ("dagy_cli.commands.runs.resume", "do what a run of this machine left undone"),
    "push": ("dagy_cli.commands.runs.push", "send a run of this machine to a server"),
    "diff": ("dagy_cli.commands.runs.diff", "compare two runs"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy runs`."""
    parser.description = "Look at runs, of this machine or a server, and end, retry or resume them."
    parser.add_examples("dagy runs list --limit 5", "dagy runs show RUN", "dagy runs resume RUN")
    add_branches(parser, VERBS)
