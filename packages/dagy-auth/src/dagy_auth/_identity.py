"""Who a token belongs to, as the server says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagy_auth._answer import Answer, require_success
from dagy_auth._http import Http, borrowed
from dagy_auth._secret import Secret
from dagy_types import TokenSource
from dagy_types.errors import AuthError, ConfigError, PermissionDeniedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a server tells of whom it sees behind a token; ``None`` and empty where it does not."""

    email: str | None = None
    subject: str | None = None
    organisation: str | None = None
    organisation_id: str | None = None
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


def fetch_identity(url: str, source: TokenSource, *, http: Http | None = None) -> Identity:
    """Return who the server sees behind the token of a source.

    A token that it refuses is tried to be renewed, once. No redirect is followed.

    Args:
        url: A ``/me`` of a Dagy server, or the ``userinfo_endpoint`` of an OpenID provider.
        http: What sends the request; by default, something of its own.

    Raises:
        AuthError: When there is no token for this URL, or the server refuses it.
        PermissionDeniedError: When whoever has this token may not know.
        NetworkError: When the server does not answer.
        ConfigError: When something else answers at this URL.
    """
    with borrowed(http) as client:
        answer = _answer(url, source, client)
        if answer.status == 401:
            answer = _answer(url, source, client)
    if answer.status == 401:
        raise AuthError(f"{answer.host} refuses the token.", hint="Log in again.")
    if answer.status == 403:
        raise PermissionDeniedError(
            f"{answer.host} does not tell who this token belongs to.",
            hint="Ask its administrators for the permission.",
        )
    try:
        require_success(answer)
    except AuthError as error:
        raise ConfigError(error.message, hint=f"Check the URL {url}") from None
    return identity_from(answer.document or {})


def _answer(url: str, source: TokenSource, http: Http) -> Answer:
    token = Secret(source.token(url))
    answer = http.get(url, token=token)
    if answer.status == 401:
        source.reject(token.reveal())
    return answer


def identity_from(document: Mapping[str, Any]) -> Identity:
    """Read a ``/me`` document of Dagy, or the user information of an OpenID provider.

    What is missing or of an unknown kind is left out.
    """
    return Identity(
        email=_text(document, "user_email", "email"),
        subject=_text(document, "sub", "user_id", "id"),
        organisation=_text(document, "org_name", "organization", "organisation"),
        organisation_id=_text(document, "org_id", "organization_id"),
        roles=_texts(document, "roles", "role"),
        scopes=_texts(document, "scopes", "scope"),
    )


def _text(document: Mapping[str, Any], *keys: str) -> str | None:
    for key in keys:
        if isinstance(value := document.get(key), str) and value:
            return value
    return None


def _texts(document: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    for key in keys:
        value = document.get(key)
        if isinstance(value, str) and value:
            return tuple(value.split())
        if isinstance(value, list) and value:
            return tuple(each for each in value if isinstance(each, str))
    return ()
