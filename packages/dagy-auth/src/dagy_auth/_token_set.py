"""What a login gives, and what is stored of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dagy_auth._secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """The tokens of one login, and what is needed to renew and to revoke them.

    Attributes:
        origin: The only origin that the access token may be sent to, as `origin_of` gives it.
        expires_at: When the access token ends, in UTC by this machine's clock; ``None`` when the
            server does not say.
        client_id: The application that the provider gave the tokens to; empty for a token that was
            not obtained by a login.
        issuer: The provider, where it has told its name.
        resource: The API that the access token is for, if it was asked for by a URL (RFC 8707).
        token_endpoint: Where the tokens are renewed.
        revocation_endpoint: Where they are revoked (RFC 7009).
        email, subject: Who logged in, as the provider or an unverified claim says: for display
            only, never for a decision.
        clock_skew_seconds: How far this machine's clock was ahead of the provider's at login.
    """

    access_token: Secret
    origin: str
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    issuer: str | None = None
    resource: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    email: str | None = None
    subject: str | None = None
    clock_skew_seconds: float = 0.0
