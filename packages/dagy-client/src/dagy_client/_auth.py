"""Which token a request carries."""

from __future__ import annotations

from functools import partial

from dagy_client._steps import Plan, work
from dagy_types import TokenSource
from dagy_types.errors import AuthError


class Authorizer:
    """Gives each request its token, and renews one that the server refuses."""

    def __init__(self, auth: str | TokenSource | None) -> None:
        self._fixed = auth if isinstance(auth, str) else None
        self._source = None if isinstance(auth, str) else auth

    def token(self, url: str) -> Plan[str | None]:
        """Return the token for this URL; ``None`` when there is nothing to show."""
        if self._source is None:
            return _sendable(self._fixed)
        # A source may have to ask its provider, so it is asked where waiting is allowed.
        return _sendable((yield from work(partial(self._source.token, url))))

    def other_token(self, url: str, refused: str | None) -> Plan[str | None]:
        """Return another token than the one that was refused; ``None`` when there is none."""
        if self._source is None or refused is None:
            return None
        yield from work(partial(self._source.reject, refused))
        token = yield from self.token(url)
        return None if token == refused else token


def _sendable(token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise AuthError(
            "The token cannot be sent: it has characters that no token has.",
            hint="Check for line breaks and quotes around it.",
        )
    return token
