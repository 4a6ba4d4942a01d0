"""`dagy api-keys`: keys with which programs reach a server."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.parser import CommandParser, add_branches

VERBS: Mapping[str, tuple[str, str]] = {
    "create": ("dagy_cli.commands.api_keys.create", "make a key, and show it once"),
    "list": ("dagy_cli.commands.api_keys.list", "list keys, without their secrets"),
    "revoke": ("dagy_cli.commands.api_keys.revoke", "end a key, at once and for good"),
}
"""Each verb's name, module and one-line summary."""


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy api-keys`."""
    parser.description = "Make, list and revoke API keys: what programs log in to a server with."
    parser.add_examples(
        "dagy api-keys create ci --scope flows.read --scope runs.trigger > ci-key.txt",
        "dagy api-keys list",
        "dagy api-keys revoke KEY_ID",
    )
    add_branches(parser, VERBS)
