"""The programs that may ask for tokens, and where their users' browsers are sent back to."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?/callback")
"""As RFC 8252 §7.3 has it: an address, never a name, and any port; all else letter by letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicClient:
    """A program that people install, and that so can keep no secret.

    Attributes:
        client_id: What it calls itself.
        name: What the pages call it.
    """

    client_id: str
    name: str


DAGY_CLI = PublicClient(client_id="dagy-cli", name="the dagy command line")

_CLIENTS = {each.client_id: each for each in (DAGY_CLI,)}

CLIENT_IDS = tuple(_CLIENTS)


def find_client(client_id: str) -> PublicClient | None:
    """Return the program of this name; ``None`` when there is none."""
    return _CLIENTS.get(client_id)


def is_redirect_uri(uri: str) -> bool:
    """Tell whether a browser may be sent there with the code of a public client."""
    match = _LOOPBACK.fullmatch(uri)
    return match is not None and int(match[1] or 80) <= 65_535
