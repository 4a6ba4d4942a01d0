"""The login with a token that somebody else has made, such as an API key."""

from __future__ import annotations

from dagy_auth._claims import claimed_expiry, claimed_text, read_claims
from dagy_auth._origin import origin_of
from dagy_auth._secret import Secret
from dagy_auth._sendable import require_sendable
from dagy_auth._token_set import TokenSet


def login_with_token(token: Secret, *, origin: str) -> TokenSet:
    """Return a token set of this token alone, which nothing can renew.

    When it is a JWT, it says itself when it ends and whose it is.

    Args:
        origin: The URL, or only the origin of it, that the token may be sent to.

    Raises:
        AuthError: When it is no token.
        ConfigError: When the URL cannot be used.
    """
    token = Secret(token.reveal().strip())
    require_sendable(token)
    claims = read_claims(token)
    return TokenSet(
        access_token=token,
        origin=origin_of(origin),
        expires_at=claimed_expiry(claims),
        issuer=claimed_text(claims, "iss"),
        email=claimed_text(claims, "email"),
        subject=claimed_text(claims, "sub"),
    )
