from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from dagy_auth import Secret, StaticTokenSource
from dagy_types import TokenSource
from dagy_types.errors import NotLoggedInError, TokenExpiredError

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
URL = "https://api.example.com/runs"


def source(**options: object) -> StaticTokenSource:
    fields: dict[str, object] = {"origin": "https://api.example.com/v1", "now": lambda: NOW}
    return StaticTokenSource(Secret("canary"), **{**fields, **options})  # type: ignore[arg-type]


def test_the_token_is_given_to_every_url_of_its_origin() -> None:
    given: TokenSource = source()
    assert given.token(URL) == given.token("https://API.example.com:443/") == "canary"


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com/", "https://example.com/", "https://api.example.com:8443/"],
)
def test_no_other_origin_gets_the_token(url: str) -> None:
    """AUTH-21."""
    with pytest.raises(NotLoggedInError, match=r"The token is for https://api\.example\.com:443,"):
        source().token(url)


def test_an_expired_token_is_not_given() -> None:
    """AUTH-20."""
    expired = source(expires_at=NOW - timedelta(seconds=1), hint="Make a new key.")
    with pytest.raises(
        TokenExpiredError, match=r"^The token expired at 2026-11-01 11:59:59 UTC\."
    ) as caught:
        expired.token(URL)
    assert caught.value.hint == "Make a new key."
    assert source(expires_at=NOW + timedelta(seconds=1)).token(URL) == "canary"


def test_a_refused_token_is_not_given_again() -> None:
    refused = source(description="The token from DAGY_TOKEN")
    refused.reject("another")
    assert refused.token(URL) == "canary"
    refused.reject("canary")
    refused.reject("another")
    with pytest.raises(TokenExpiredError, match="The token from DAGY_TOKEN is refused by https://"):
        refused.token(URL)


def test_nothing_shows_the_token() -> None:
    """AUTH-06."""
    assert "canary" not in f"{source()!r}{source()}{vars(source())}"
