"""A text that is not to be seen."""

from __future__ import annotations

from hmac import compare_digest
from typing import NoReturn


class Secret:
    """Holds a text that no log, ``repr``, format or pickle may show.

    Args:
        value: The text.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text, for the one place that sends or stores it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(_bytes(self), _bytes(other))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")


def _bytes(secret: Secret) -> bytes:
    # Bytes of the environment that are no text come as half characters.
    return secret.reveal().encode(errors="surrogatepass")
