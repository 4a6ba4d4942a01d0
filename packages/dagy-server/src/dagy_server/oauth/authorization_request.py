"""What a browser asks for in the name of a program (RFC 6749 §4.1.1, RFC 7636, RFC 9207)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from dagy_server.oauth.clients import PublicClient, find_client, is_redirect_uri
from dagy_server.oauth.forms import Form
from dagy_server.oauth.pkce import METHOD, is_challenge
from dagy_server.oauth.scopes import Scopes, read_scopes

PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
"""Those that mean something here; whatever else a request has is ignored, as RFC 6749 asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that can be granted."""

    client: PublicClient
    redirect_uri: str
    state: str
    code_challenge: str
    scopes: Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that cannot be granted, and what its program is told of that."""

    redirect_uri: str
    state: str
    error: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswerable:
    """A request that must not be answered by a redirect: only the person is told."""

    message: str
    hint: str


def read_authorization_request(
    form: Form, *, known_scopes: Collection[str]
) -> AuthorizationRequest | Refusal | Unanswerable:
    """Check a request, first of all where its answer would go."""
    client = find_client(form.get("client_id", ""))
    if client is None:
        return Unanswerable(
            message="This server does not know the program that has sent you here.",
            hint="Update the program, or start its login again.",
        )
    redirect_uri, state = form.get("redirect_uri", ""), form.get("state", "")
    if not is_redirect_uri(redirect_uri):
        return Unanswerable(
            message="The answer to this login would not stay on your machine.",
            hint="Start the login again from the program itself; follow no link from elsewhere.",
        )
    challenge, method = form.get("code_challenge", ""), form.get("code_challenge_method", "")

    def refusal(error: str, description: str) -> Refusal:
        return Refusal(redirect_uri=redirect_uri, state=state, error=error, description=description)

    if form.get("response_type") != "code":
        return refusal("unsupported_response_type", "Only response_type=code is supported.")
    if method != METHOD or not is_challenge(challenge):
        return refusal("invalid_request", "PKCE with code_challenge_method=S256 is required.")
    try:
        scopes = read_scopes(form.get("scope", ""), known=known_scopes)
    except ValueError:
        return refusal("invalid_scope", "A scope is not the name of a permission.")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        state=state,
        code_challenge=challenge,
        scopes=scopes,
    )


def answer_url(redirect_uri: str, *, issuer: str, state: str, **parameters: str) -> str:
    """Return where the browser goes with an answer, which says whose it is."""
    answer = {**parameters, "state": state, "iss": issuer}
    return f"{redirect_uri}?{urlencode({name: value for name, value in answer.items() if value})}"
