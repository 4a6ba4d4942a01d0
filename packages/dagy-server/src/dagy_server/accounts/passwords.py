"""Passwords: which are good enough, and how they are kept and compared."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from dagy_types.errors import UsageError

SHORTEST_PASSWORD = 12
"""Characters: length is the only rule (NIST SP 800-63B §5.1.1)."""

LONGEST_PASSWORD = 256
"""Characters: more would only cost time."""

OF_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$XxY4TXW8jgx+JYWDIklkHg$"
    "yn9hBqPEc69Szcg4yI/X50GhCjPgBhlcG27b31j2N0I"
)
"""The hash of a password that is lost: comparing with it takes as long as with any other."""

_MOST_AT_ONCE = 4
"""Each takes 64 MiB for a while."""


def require_good_password(password: str) -> None:
    """Make sure that a new password is of a length that can be used.

    Raises:
        UsageError: When it is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, "
            f"and this one has {len(password)}.",
            hint="Four or five words in a row are long, and easy to remember.",
        )


class Passwords:
    """Hashes passwords with argon2id, a few at a time.

    Args:
        hasher: What hashes; by default, with the low-memory parameters of RFC 9106.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._seats = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._seats:
            return self._hasher.hash(_encoded(password))

    def matches(self, password: str, kept: str | None) -> bool:
        """Tell whether a password is the one that a hash was made of.

        Without a hash it is not, and that takes just as long to say.
        """
        with self._seats:
            try:
                self._hasher.verify(kept or OF_NOBODY, _encoded(password))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None


def _encoded(password: str) -> bytes:
    # A lone surrogate comes in by JSON, and is part of no password.
    return password.encode(errors="replace")
