"""OAuth's messages as they are sent: the only module that knows Authlib."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_auth._application import Application
from dagy_auth._secret import Secret

Form = Mapping[str, str | Secret]


def authorization_url(
    endpoint: str, *, application: Application, redirect_uri: str, extra: Form
) -> str:
    """Return where a browser asks for a code (RFC 6749 §4.1.1)."""
    from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]  # It has none.
        prepare_grant_uri,
    )

    parameters = {**application.asked, **_revealed(extra)}
    url: str = prepare_grant_uri(
        endpoint, application.client_id, "code", redirect_uri=redirect_uri, **parameters
    )
    return url


def code_challenge(verifier: Secret) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    from authlib.oauth2.rfc7636 import (  # type: ignore[import-untyped]  # It has none.
        create_s256_code_challenge,
    )

    challenge: str = create_s256_code_challenge(verifier.reveal())
    return challenge


def signed_form(
    form: Form, *, application: Application, secret_in_form: bool
) -> tuple[dict[str, Secret], Secret]:
    """Return the headers and the body of a form that says who sends it (RFC 6749 §2.3.1)."""
    from urllib.parse import quote_plus, urlencode

    from authlib.oauth2 import ClientAuth  # type: ignore[import-untyped]  # It has none.

    name, secret, way = application.client_id, "", "none"
    if application.client_secret is not None:
        secret, way = application.client_secret.reveal(), "client_secret_post"
        if not secret_in_form:
            name, secret, way = quote_plus(name), quote_plus(secret), "client_secret_basic"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _, headers, body = ClientAuth(name, secret, way).prepare(
        "POST", "", headers, urlencode(_revealed(form))
    )
    return {name: Secret(value) for name, value in headers.items()}, Secret(body)


def _revealed(form: Form) -> dict[str, str]:
    return {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in form.items()
    }
