"""The ends of logins: at the provider, if it answers, and here in any case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from dagy_auth import login_with_token, logout, read_legacy_token, revoke
from dagy_types.errors import CredentialStoreError

if TYPE_CHECKING:
    from dagy_auth import CredentialStore, TokenSet

_TIME_LIMIT_SECONDS = 5.0
_DELETION_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """How the end of one login went.

    Attributes:
        name: That of the login, or the path of an older version's file.
        reason: Why its token is not revoked.
        expires_at: When the token that is not revoked ends by itself, if that is known.
        leftover: What the store says that it could not delete, though the tokens are gone.
        fault: Why the tokens are still there.
    """

    name: str
    is_revoked: bool = False
    reason: str | None = None
    expires_at: datetime | None = None
    leftover: CredentialStoreError | None = None
    fault: CredentialStoreError | None = None


def stored_names(store: CredentialStore) -> list[str]:
    """Return what a store has; nothing when it is damaged, which is told by whoever opens it."""
    try:
        return store.names()
    except CredentialStoreError:
        return []


def end_logins(
    stores: Sequence[CredentialStore], name: str | None, *, older_file: Path
) -> list[Departure]:
    """End all logins of one name, or of any; all of it takes about five seconds at most.

    Args:
        name: ``None`` for any.
        older_file: That of older versions, whose token counts for every profile.
    """
    deadline = monotonic() + _TIME_LIMIT_SECONDS
    departures = [each for store in stores for each in _end_in(store, name, deadline=deadline)]
    return [*departures, *_end_older(older_file)]


def _end_in(store: CredentialStore, name: str | None, *, deadline: float) -> Iterator[Departure]:
    try:
        names = store.names()
    except CredentialStoreError as error:
        yield Departure(name=store.location, fault=error)
        return
    for each in names:
        if name is None or each == name:
            yield _end(store, each, deadline=deadline)


def _end(store: CredentialStore, name: str, *, deadline: float) -> Departure:
    revocation = _Revocation()
    seconds = max(deadline - monotonic(), _DELETION_SECONDS)
    try:
        result = logout(store, name, revoke=revocation, time_limit_seconds=seconds)
    except CredentialStoreError as error:
        if name in store.names():
            return Departure(name=name, fault=error)
        return Departure(
            name=name,
            is_revoked=revocation.is_done,
            reason=None if revocation.is_done else "The provider did not confirm it.",
            expires_at=revocation.expires_at,
            leftover=error,
        )
    return Departure(
        name=name,
        is_revoked=result.is_revoked,
        reason=result.reason,
        expires_at=result.expires_at,
    )


class _Revocation:
    """Revokes tokens, and remembers how that went for when the deletion fails."""

    def __init__(self) -> None:
        self.is_done = False
        self.expires_at: datetime | None = None

    def __call__(self, tokens: TokenSet) -> bool:
        self.expires_at = tokens.expires_at
        self.is_done = revoke(tokens)
        return self.is_done


def _end_older(path: Path) -> Iterator[Departure]:
    try:
        token = read_legacy_token(path)
    except CredentialStoreError:
        token = None  # whatever it is, it goes
    expires_at = None
    if token is not None:  # it says itself when it ends, if it is a JWT
        expires_at = login_with_token(token, origin="https://localhost").expires_at
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        message = f"{path} cannot be deleted: {error.strerror}."
        fault = CredentialStoreError(message, hint="Delete it yourself.")
        yield Departure(name=str(path), fault=fault)
        return
    reason = "It is of an older version, which has no way to revoke it."
    yield Departure(name=str(path), reason=reason, expires_at=expires_at)
