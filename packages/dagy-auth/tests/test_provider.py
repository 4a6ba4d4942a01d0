from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dagy_auth import Http, Provider, discover
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, ConfigError, NetworkError, NotFoundError

_ISSUER = "https://login.example.com"


def _paths_asked(provider: FakeProvider) -> list[str]:
    return [request.path for request in provider.requests]


def test_all_endpoints_are_found(provider: FakeProvider) -> None:
    issuer = provider.issuer
    assert discover(issuer) == Provider(
        issuer=issuer,
        token_endpoint=f"{issuer}/token",
        authorization_endpoint=f"{issuer}/authorize",
        device_authorization_endpoint=f"{issuer}/device_authorization",
        revocation_endpoint=f"{issuer}/revoke",
        userinfo_endpoint=f"{issuer}/userinfo",
        code_challenge_methods=("S256",),
        names_itself=True,
    )


def test_openid_metadata_is_asked_for_where_there_is_no_other(
    provider: FakeProvider, http: Http
) -> None:
    provider.metadata_kinds = ["openid"]
    assert discover(provider.issuer, http=http).issuer == provider.issuer
    assert _paths_asked(provider) == [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ]


@pytest.mark.parametrize("kind", ["oauth", "openid"])
def test_an_issuer_can_have_a_path(kind: str) -> None:
    with FakeProvider(path="/tenant") as provider:
        provider.metadata_kinds = [kind]
        assert discover(provider.issuer).token_endpoint == f"{provider.origin}/tenant/token"


def test_every_place_that_metadata_can_have_is_asked() -> None:
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(404)

    with (
        Http(transport=httpx.MockTransport(refuse)) as http,
        pytest.raises(NotFoundError, match=r"login\.example\.com does not say how to log in"),
    ):
        discover(f"{_ISSUER}/tenant/", http=http)
    assert asked == [
        "/.well-known/oauth-authorization-server/tenant",
        "/tenant/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant",
    ]


def test_a_provider_without_metadata_is_told_from_a_broken_one(provider: FakeProvider) -> None:
    provider.metadata_kinds = []
    with pytest.raises(NotFoundError, match="has no OAuth or OpenID metadata"):
        discover(provider.issuer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(200, html="<!doctype html><p>An app answers to every path."),
        lambda: httpx.Response(302, headers={"Location": "/sign-in"}),
        lambda: httpx.Response(401),
        lambda: httpx.Response(403, json={"error": "forbidden"}),
    ],
)
def test_a_page_or_a_redirect_in_its_place_is_no_metadata(
    answer: Callable[[], httpx.Response],
) -> None:
    transport = httpx.MockTransport(lambda request: answer())
    with Http(transport=transport) as http, pytest.raises(NotFoundError):
        discover(_ISSUER, http=http)


def test_a_slash_at_the_end_makes_no_difference(provider: FakeProvider) -> None:
    provider.metadata_changes = {"issuer": f"{provider.issuer}/"}
    assert discover(provider.issuer).issuer == f"{provider.issuer}/"
    provider.metadata_changes = {}
    assert discover(f"{provider.issuer}/").issuer == provider.issuer


@pytest.mark.parametrize("issuer", ["https://evil.example.com", 7, None, "\x1b[2J"])
def test_the_metadata_of_another_issuer_is_refused(provider: FakeProvider, issuer: object) -> None:
    """AUTH-16"""
    provider.metadata_changes = {"issuer": issuer}
    with pytest.raises(AuthError, match="is that of") as caught:
        discover(provider.issuer)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["truncated", "cut_off", "drop", "error_500"])
def test_metadata_that_does_not_come_whole_is_an_error(provider: FakeProvider, kind: Any) -> None:
    provider.misbehave("/.well-known/oauth-authorization-server", kind)
    with pytest.raises((AuthError, NetworkError)) as caught:
        discover(provider.issuer)
    assert caught.value.hint


def test_what_is_optional_can_be_missing(provider: FakeProvider) -> None:
    provider.metadata_changes = dict.fromkeys(
        (
            "authorization_endpoint",
            "device_authorization_endpoint",
            "revocation_endpoint",
            "userinfo_endpoint",
            "code_challenge_methods_supported",
            "authorization_response_iss_parameter_supported",
        )
    )
    assert discover(provider.issuer) == Provider(
        issuer=provider.issuer, token_endpoint=f"{provider.issuer}/token"
    )


def test_a_provider_without_a_token_endpoint_is_of_no_use(provider: FakeProvider) -> None:
    provider.metadata_changes = {"token_endpoint": None}
    with pytest.raises(AuthError, match="has no token_endpoint"):
        discover(provider.issuer)


@pytest.mark.parametrize("url", ["http://login.example.com/token", 7, "", "javascript:alert(1)"])
def test_an_endpoint_that_secrets_cannot_go_to_is_refused(
    provider: FakeProvider, url: object
) -> None:
    """AUTH-16: plain http is refused but for this machine."""
    provider.metadata_changes = {"token_endpoint": url}
    with pytest.raises(AuthError, match="has a token_endpoint that cannot be used"):
        discover(provider.issuer)


def test_an_issuer_over_plain_http_is_refused() -> None:
    with pytest.raises(ConfigError, match="over plain http"):
        discover("http://login.example.com")
