"""New ids: random, and never made of anything that a sender gave."""

from __future__ import annotations

from random import SystemRandom

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHABET = _LETTERS + "0123456789"
_SYSTEM_RANDOM = SystemRandom()


def new_id(prefix: str) -> str:
    """Return ``prefix_`` and 20 random characters: 103 bits."""
    return f"{prefix}_{_random_text(20)}"


def new_run_id() -> str:
    """Return the id of a run in the form of local ones: 12 characters, a letter first."""
    return _SYSTEM_RANDOM.choice(_LETTERS) + _random_text(11)


def _random_text(length: int) -> str:
    # Of one number: the system is asked once, not for each character.
    number = _SYSTEM_RANDOM.randrange(len(_ALPHABET) ** length)
    characters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[place])
    return "".join(characters)
