"""New ids: random, and never made of anything that a sender gave."""

from __future__ import annotations

from random import SystemRandom

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHABET = _LETTERS + "0123456789"
_SYSTEM_RANDOM = SystemRandom()


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 20 random characters: 103 bits."""
    return f"{prefix}_" + "".join(_SYSTEM_RANDOM.choice(_ALPHABET) for _ in range(20))


def new_run_id() -> str:
    """Return the id of a run in the form of local ones: 12 characters, a letter first."""
    rest = "".join(_SYSTEM_RANDOM.choice(_ALPHABET) for _ in range(11))
    return _SYSTEM_RANDOM.choice(_LETTERS) + rest
