"""Where token sets are kept, as seen by those who use them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from dagy_auth._token_set import TokenSet


class CredentialStore(Protocol):
    """Keeps token sets under names that any text can be: case and slashes matter.

    Every method ends within the store's time limit, and raises `CredentialStoreError` when the
    store does not work: one line that says what to do, and no secret in it.
    """

    @property
    def location(self) -> str:
        """Where the tokens are, for people."""
        ...

    @property
    def is_encrypted(self) -> bool:
        """Whether the tokens are encrypted at rest."""
        ...

    def probe(self) -> None:
        """Find out whether the store works, at little cost and before a login begins."""
        ...

    def load(self, name: str) -> TokenSet | None:
        """Return what is stored under this name."""
        ...

    def save(self, name: str, tokens: TokenSet) -> None:
        """Store under this name; a crash in the middle leaves what was there before."""
        ...

    def delete(self, name: str) -> bool:
        """Remove all traces of what is stored under this name; tell whether there was any."""
        ...

    def names(self) -> list[str]:
        """Return all names, sorted."""
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold, against threads and processes, the right to renew what has this name.

        It is free again at once when its holder dies. Holding it allows `load` and `save`.
        """
        ...
