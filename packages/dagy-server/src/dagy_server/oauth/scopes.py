"""What a token may do: some dotted permissions, or whatever the role of its user allows."""

from __future__ import annotations

from collections.abc import Collection

Scopes = tuple[str, ...] | None
"""Permissions in order; ``None`` for all that the user's role has at the time."""


def read_scopes(text: str, *, known: Collection[str]) -> Scopes:
    """Return the scopes that a request asks for.

    Raises:
        ValueError: When one of them is no permission.
    """
    asked = set(text.split())
    if not asked <= set(known):
        raise ValueError("unknown scope")
    return tuple(sorted(asked)) or None
