"""The end of tokens before their time (RFC 7009)."""

from __future__ import annotations

from time import monotonic

from dagy_auth._answer import require_success
from dagy_auth._application import Application
from dagy_auth._http import Http, borrowed
from dagy_auth._token_set import TokenSet


def revoke(tokens: TokenSet, *, http: Http | None = None, timeout_seconds: float = 5.0) -> bool:
    """Revoke the refresh token, then the access token; tell whether both are revoked.

    They are not when the provider does not offer it: the access token is good until it expires
    then.

    Args:
        timeout_seconds: How long it may take in all.

    Raises:
        NetworkError: When the provider does not answer.
        AuthError: When it refuses.
    """
    if tokens.revocation_endpoint is None:
        return False
    application = Application(client_id=tokens.client_id, client_secret=tokens.client_secret)
    deadline = monotonic() + timeout_seconds
    kinds = {"refresh_token": tokens.refresh_token, "access_token": tokens.access_token}
    are_revoked = True
    with borrowed(http) as http:
        for kind, token in kinds.items():
            if token is None:
                continue
            answer = http.post_form(
                tokens.revocation_endpoint,
                {"token": token, "token_type_hint": kind},
                application=application,
                timeout_seconds=deadline - monotonic(),
            )
            if answer.error == "unsupported_token_type":
                are_revoked = False
            elif answer.status >= 300 or answer.error or answer.content == "an HTML page":
                require_success(answer)
    return are_revoked
