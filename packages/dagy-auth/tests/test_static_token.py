from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dagy_auth import Secret, TokenSet, login_with_token
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, ConfigError


def test_a_token_is_taken_as_it_is() -> None:
    tokens = login_with_token(Secret("  dagy_sk_1\n"), origin="https://api.example.com/v1")
    assert tokens == TokenSet(
        access_token=Secret("dagy_sk_1"), origin="https://api.example.com:443"
    )


def test_a_jwt_says_itself_when_it_ends_and_whose_it_is(provider: FakeProvider) -> None:
    token = provider.jwt(
        {
            "exp": 1_800_000_000,
            "email": "user@example.com",
            "sub": "user-1",
            "iss": "https://login.example.com",
        }
    )
    tokens = login_with_token(Secret(token), origin="https://api.example.com")
    assert tokens.expires_at == datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
    assert (tokens.email, tokens.subject) == ("user@example.com", "user-1")
    assert tokens.issuer == "https://login.example.com"


@pytest.mark.parametrize("token", ["", " \n", "canary canary"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(AuthError, match="no token has") as caught:
        login_with_token(Secret(token), origin="https://api.example.com")
    assert "canary" not in str(caught.value)


def test_a_token_is_for_a_url() -> None:
    with pytest.raises(ConfigError):
        login_with_token(Secret("dagy_sk_1"), origin="api.example.com")
