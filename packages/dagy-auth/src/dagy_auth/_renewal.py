"""New tokens for old ones (RFC 6749 §6)."""

from __future__ import annotations

from dagy_auth._application import Application
from dagy_auth._http import Http, borrowed
from dagy_auth._token_response import with_tokens
from dagy_auth._token_set import TokenSet
from dagy_auth._wire import Form
from dagy_types.errors import TokenExpiredError


def refresh(tokens: TokenSet, *, http: Http | None = None) -> TokenSet:
    """Return a token set that is good for longer; the old refresh token may be spent then.

    What the provider does not renew, such as the refresh token itself at many, stays as it was.

    Raises:
        TokenExpiredError: When the session cannot be renewed, or the provider has ended it.
        NetworkError: When the provider does not answer; the tokens may still be good.
        AuthError: When it refuses for another reason, or its answer cannot be used.
    """
    if tokens.refresh_token is None or tokens.token_endpoint is None:
        raise TokenExpiredError(
            f"The session for {tokens.origin} cannot be renewed: it has no refresh token.",
            hint="Log in again.",
        )
    application = Application(
        client_id=tokens.client_id, client_secret=tokens.client_secret, resource=tokens.resource
    )
    form: Form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens.refresh_token,
        **application.asked_again,
    }
    with borrowed(http) as http:
        answer = http.post_form(tokens.token_endpoint, form, application=application)
    if answer.error == "invalid_grant":
        raise TokenExpiredError(
            f"The session for {tokens.origin} has ended: {answer.host} refuses to renew it.",
            hint="Log in again.",
        )
    return with_tokens(tokens, answer)
