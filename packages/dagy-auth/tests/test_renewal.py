from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy_auth import Http, Secret, TokenSet, refresh
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, DagyError, NetworkError, TokenExpiredError


@pytest.fixture
def tokens(provider: FakeProvider) -> TokenSet:
    return provider.new_tokens(scopes=("runs",))


def test_new_tokens_are_given_for_old_ones(provider: FakeProvider, tokens: TokenSet) -> None:
    renewed = refresh(tokens)
    assert provider.accepts(renewed.access_token.reveal())
    assert renewed.refresh_token not in (None, tokens.refresh_token)
    assert renewed.expires_at is not None
    assert replace(
        renewed,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
    ) == replace(tokens, clock_skew_seconds=renewed.clock_skew_seconds)


def test_a_refresh_token_that_is_not_replaced_is_kept(
    provider: FakeProvider, tokens: TokenSet
) -> None:
    provider.rotates = False
    provider.token_changes = {"refresh_token": None}
    renewed = refresh(tokens)
    assert renewed.refresh_token == tokens.refresh_token
    assert refresh(renewed).access_token != renewed.access_token


def test_the_second_use_of_a_refresh_token_ends_the_session(
    provider: FakeProvider, tokens: TokenSet
) -> None:
    renewed = refresh(tokens)
    for each in (tokens, renewed):
        with pytest.raises(TokenExpiredError, match="refuses to renew it") as caught:
            refresh(each)
        assert caught.value.hint == "Log in again."
    assert not provider.accepts(renewed.access_token.reveal())


@pytest.mark.parametrize("name", ["refresh_token", "token_endpoint"])
def test_what_cannot_be_renewed_is_not_tried(
    provider: FakeProvider, tokens: TokenSet, name: Any
) -> None:
    """AUTH-20: no request is sent."""
    with pytest.raises(TokenExpiredError, match="cannot be renewed"):
        refresh(replace(tokens, **{name: None}))
    assert not provider.requests


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error_500", NetworkError),
        ("drop", NetworkError),
        ("slow", NetworkError),
        ("html", AuthError),
        ("unauthorized", AuthError),
    ],
)
def test_trouble_leaves_the_old_tokens_good(
    provider: FakeProvider, tokens: TokenSet, kind: Any, error: type[DagyError]
) -> None:
    provider.rotates = False
    provider.misbehave("/token", kind)
    with Http(timeout_seconds=0.5) as http, pytest.raises(error) as caught:
        refresh(tokens, http=http)
    assert not isinstance(caught.value, TokenExpiredError)
    assert refresh(tokens)


def test_another_refusal_is_not_the_end_of_the_session(tokens: TokenSet) -> None:
    with pytest.raises(AuthError, match="invalid_client") as caught:
        refresh(replace(tokens, client_id="unknown"))
    assert not isinstance(caught.value, TokenExpiredError)


def test_the_secret_of_the_application_is_sent(provider: FakeProvider, tokens: TokenSet) -> None:
    secret = Secret(provider.machine_client_secret)
    with pytest.raises(TokenExpiredError):
        refresh(replace(tokens, client_id=provider.machine_client_id, client_secret=secret))
    assert provider.requests[-1].authorization.startswith("Basic ")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_expiry_is_by_this_clock_when_the_provider_has_another(
    provider: FakeProvider, tokens: TokenSet, minutes: int
) -> None:
    """AUTH-12: ten minutes off, and the token is used for as long as it is good."""
    provider.clock_offset_seconds = -minutes * 60.0
    expires_at = provider.now() + 3600
    provider.token_changes = {"expires_in": None, "expires_at": expires_at}
    renewed = refresh(tokens)
    assert renewed.expires_at is not None
    until = renewed.expires_at - datetime.now(timezone.utc)
    assert abs(until - timedelta(hours=1)) < timedelta(seconds=5)
    assert renewed.clock_skew_seconds == pytest.approx(minutes * 60.0, abs=2.0)
