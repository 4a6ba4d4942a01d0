"""A token that somebody else made, and that nobody here can renew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from dagy_auth._clock import utc_now
from dagy_auth._origin import origin_of
from dagy_auth._origin_binding import require_origin
from dagy_auth._secret import Secret
from dagy_types.errors import TokenExpiredError


class StaticTokenSource:
    """Gives one token until it expires or the server refuses it.

    Args:
        origin: The URL, or only the origin of it, that the token may be sent to.
        expires_at: When it ends, if that is known.
        description: What errors call it; never its value.
        hint: What to do when it is of no use.
    """

    def __init__(
        self,
        token: Secret,
        *,
        origin: str,
        expires_at: datetime | None = None,
        description: str = "The token",
        hint: str = "Give another token.",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._token = token
        self._origin = origin_of(origin)
        self._expires_at = expires_at
        self._description = description
        self._hint = hint
        self._now = now
        self._is_refused = False

    def token(self, url: str) -> str:
        """Return the token.

        Raises:
            NotLoggedInError: When the URL has another origin.
            TokenExpiredError: When it has expired, or the server has refused it.
        """
        require_origin(url, bound_to=self._origin, what=self._description, hint=self._hint)
        if self._is_refused:
            raise TokenExpiredError(
                f"{self._description} is refused by {self._origin}.", hint=self._hint
            )
        if self._expires_at is not None and self._now() >= self._expires_at:
            ended = f"{self._expires_at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S UTC}"
            raise TokenExpiredError(f"{self._description} expired at {ended}.", hint=self._hint)
        return self._token.reveal()

    def reject(self, token: str) -> None:
        """The server has refused this token: it is not given again."""
        self._is_refused = self._is_refused or self._token == Secret(token)
