"""The short codes that a person carries from one device to another (RFC 8628 §6.1)."""

from __future__ import annotations

import secrets

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words; no Y, which some keyboards have elsewhere."""

_LENGTH = 8


def new_user_code() -> str:
    """Return a code as it is shown, ``WDJB-MJHT``: one of 25 thousand millions."""
    return shown_user_code("".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)))


def read_user_code(text: str) -> str | None:
    """Return the letters of a code as somebody has typed it; ``None`` when it can't be one."""
    letters = "".join(each for each in text[:64].upper() if each.isalnum())
    if len(letters) != _LENGTH or not set(letters) <= set(_LETTERS):
        return None
    return letters


def shown_user_code(letters: str) -> str:
    """Return the letters of a code in two groups, as they are shown."""
    return f"{letters[:4]}-{letters[4:]}"
