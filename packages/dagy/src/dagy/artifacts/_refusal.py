"""Why an archive is refused."""

from __future__ import annotations

_SHOWN_CHARACTERS = 100
_REASON_CHARACTERS = 400


class Refusal(Exception):  # noqa: N818 (a verdict on bytes; whoever reads the file makes it an error)
    """The bytes are not those of an artifact.

    Args:
        reason: A clause that can follow "it is refused:".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason[:_REASON_CHARACTERS])


def shown(name: str) -> str:
    """Return a name as it can stand in a message: on one line, and of bounded length."""
    text = ascii(name) if not name.isprintable() else repr(name)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
