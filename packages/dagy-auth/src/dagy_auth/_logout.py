"""The end of a login: at the provider if it answers, and here in any case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic

from dagy_auth._credential_store import CredentialStore
from dagy_auth._revocation import revoke as revoke_at_provider
from dagy_auth._time_limit import TimeLimitExceeded, call_within
from dagy_auth._token_set import TokenSet
from dagy_types.errors import DagyError

_DELETION_SECONDS = 1.0
"""What is left of the time limit for the deletion when the provider does not answer."""


@dataclass(frozen=True, slots=True)
class LogoutResult:
    """What a logout has done.

    Attributes:
        was_logged_in: Whether there was something to delete.
        is_revoked: Whether the provider has ended the session.
        reason: Why it has not, in one line; ``None`` when it has, or nothing was there.
        expires_at: When an access token that is not revoked ends by itself, if that is known.
    """

    was_logged_in: bool
    is_revoked: bool = False
    reason: str | None = None
    expires_at: datetime | None = None


def logout(
    store: CredentialStore,
    name: str,
    *,
    revoke: Callable[[TokenSet], bool] = revoke_at_provider,
    time_limit_seconds: float = 5.0,
) -> LogoutResult:
    """Revoke the tokens of a login, best effort, and delete them here in any case.

    Args:
        revoke: Ends the session at the provider and tells whether it has; what it raises is the
            reason in the result.
        time_limit_seconds: For all of it, if the store is in time; the provider gets a second less.

    Raises:
        CredentialStoreError: When the tokens cannot be deleted.
    """
    revocation_ends_at = monotonic() + time_limit_seconds - _DELETION_SECONDS
    tokens: TokenSet | None = None
    reason: str | None = None
    try:
        tokens = store.load(name)
        if tokens is not None:
            seconds = max(0.0, revocation_ends_at - monotonic())
            if not call_within(seconds, partial(revoke, tokens), thread_name="revocation"):
                reason = "The provider does not revoke tokens."
    except TimeLimitExceeded:
        reason = "The provider did not answer in time."
    except DagyError as error:
        reason = error.message
    finally:
        was_there = store.delete(name)
    is_revoked = tokens is not None and reason is None
    expires_at = None if tokens is None or is_revoked else tokens.expires_at
    return LogoutResult(was_there, is_revoked, reason, expires_at)
