from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from dagy_auth import Http, TokenSet, refresh, revoke
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, DagyError, NetworkError, TokenExpiredError


@pytest.fixture
def tokens(provider: FakeProvider) -> TokenSet:
    return provider.new_tokens()


def test_both_tokens_are_revoked_the_refresh_token_first(
    provider: FakeProvider, tokens: TokenSet, http: Http
) -> None:
    """AUTH-18: the old token is refused afterwards."""
    assert revoke(tokens, http=http)
    hints = [request.parameters["token_type_hint"] for request in provider.requests]
    assert hints == ["refresh_token", "access_token"]
    assert http.get(provider.me_url, token=tokens.access_token).status == 401
    with pytest.raises(TokenExpiredError):
        refresh(tokens)


def test_an_access_token_can_be_alone(provider: FakeProvider, tokens: TokenSet) -> None:
    assert revoke(replace(tokens, refresh_token=None))
    assert not provider.accepts(tokens.access_token.reveal())


def test_a_provider_that_does_not_offer_it_is_told(
    provider: FakeProvider, tokens: TokenSet
) -> None:
    provider.can_revoke = False
    assert not revoke(tokens)
    provider.requests.clear()
    assert not revoke(replace(tokens, revocation_endpoint=None))
    assert not provider.requests


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error_500", NetworkError),
        ("drop", NetworkError),
        ("html", AuthError),
        ("unauthorized", AuthError),
    ],
)
def test_what_is_not_confirmed_is_an_error(
    provider: FakeProvider, tokens: TokenSet, kind: Any, error: type[DagyError]
) -> None:
    provider.misbehave("/revoke", kind)
    with pytest.raises(error) as caught:
        revoke(tokens)
    assert caught.value.hint


def test_it_takes_no_longer_than_it_may_in_all(provider: FakeProvider, tokens: TokenSet) -> None:
    """AUTH-18"""
    provider.misbehave("/revoke", "slow", seconds=0.3)
    provider.misbehave("/revoke", "slow")
    started = monotonic()
    with pytest.raises(NetworkError):
        revoke(tokens, timeout_seconds=0.6)
    assert 0.5 < monotonic() - started < 5.0
