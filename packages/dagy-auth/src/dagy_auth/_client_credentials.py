"""The login of a program as itself, without any person (RFC 6749 §4.4)."""

from __future__ import annotations

from dagy_auth._application import Application
from dagy_auth._http import Http, borrowed
from dagy_auth._provider import Provider
from dagy_auth._token_response import with_tokens, without_tokens
from dagy_auth._token_set import TokenSet
from dagy_types.errors import ConfigError


def login_with_client_credentials(
    provider: Provider, application: Application, *, origin: str, http: Http | None = None
) -> TokenSet:
    """Return the tokens of a program that has a secret of its own.

    There is no refresh token as a rule: the program logs in again.

    Args:
        origin: The URL, or only the origin of it, that the access token may be sent to.

    Raises:
        ConfigError: When the application has no secret.
        AuthError: When the provider refuses it, or gives no token that can be used.
        NetworkError: When the provider does not answer.
    """
    if application.client_secret is None:
        raise ConfigError(
            f"The application {application.client_id!r} has no client secret to log in with.",
            hint="Give it its secret, or log in as a person.",
        )
    tokens = without_tokens(provider, application, origin=origin)
    form = {"grant_type": "client_credentials", **application.asked}
    with borrowed(http) as http:
        answer = http.post_form(provider.token_endpoint, form, application=application)
    return with_tokens(tokens, answer)
