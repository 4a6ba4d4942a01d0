"""Token sets that end with the process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from dagy_auth._token_set import TokenSet
from dagy_types.errors import CredentialStoreError


class MemoryStore:
    """Keeps token sets for as long as the object lives: for tests, and for tools of one process.

    Args:
        lock_time_limit_seconds: How long `lock` waits for a thread that renews the same tokens.
    """

    def __init__(self, *, lock_time_limit_seconds: float = 30.0) -> None:
        self._lock_time_limit_seconds = lock_time_limit_seconds
        self._tokens: dict[str, TokenSet] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @property
    def location(self) -> str:
        """Where the tokens are, for people."""
        return "the memory of this process"

    @property
    def is_encrypted(self) -> bool:
        """Always false."""
        return False

    def probe(self) -> None:
        """Do nothing: memory works."""

    def load(self, name: str) -> TokenSet | None:
        """Return what is stored under this name."""
        return self._tokens.get(name)

    def save(self, name: str, tokens: TokenSet) -> None:
        """Store under this name."""
        self._tokens[name] = tokens

    def delete(self, name: str) -> bool:
        """Remove what is stored under this name; tell whether there was any."""
        return self._tokens.pop(name, None) is not None

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._tokens)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold, against threads, the right to renew what has this name."""
        lock = self._locks[name]
        if not lock.acquire(timeout=self._lock_time_limit_seconds):
            raise CredentialStoreError(
                f"{name!r} has been locked by another thread "
                f"for {self._lock_time_limit_seconds:g} s.",
                hint="Try again; if that does not help, look for a thread that hangs.",
            )
        try:
            yield
        finally:
            lock.release()
