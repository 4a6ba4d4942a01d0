from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dagy_auth import Notice, OpenUrl, TokenSet, login_with_callback
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, ConfigError

LogIn = Callable[..., TokenSet]


@pytest.fixture
def log_in(provider: FakeProvider) -> LogIn:
    def log_in(**changes: Any) -> TokenSet:
        options: dict[str, Any] = {
            "origin": "https://api.example.com/v1",
            "open_browser": provider.browser,
            "timeout_seconds": 30.0,
        }
        return login_with_callback(
            changes.pop("app_url", provider.issuer), **{**options, **changes}
        )

    return log_in


def test_a_token_is_taken_with_what_is_told_of_it(provider: FakeProvider, log_in: LogIn) -> None:
    provider.callback_changes = {"expires_at": "1800000000", "email": "seven@example.com"}
    tokens = log_in()
    assert provider.accepts(tokens.access_token.reveal())
    assert tokens == TokenSet(
        access_token=tokens.access_token,
        origin="https://api.example.com:443",
        expires_at=datetime(2027, 1, 15, 8, tzinfo=timezone.utc),
        email="seven@example.com",
    )


def test_a_jwt_says_itself_when_it_ends_and_whose_it_is(
    provider: FakeProvider, log_in: LogIn
) -> None:
    provider.gives_jwts = True
    provider.callback_changes = {"email": None}
    tokens = log_in()
    assert (tokens.email, tokens.subject) == ("user@example.com", "user-1")
    assert tokens.expires_at is not None
    until = tokens.expires_at - datetime.now(timezone.utc)
    assert timedelta(minutes=59) < until <= timedelta(hours=1)


def test_an_opaque_token_need_not_say_anything(provider: FakeProvider, log_in: LogIn) -> None:
    provider.callback_changes = {"email": None}
    tokens = log_in()
    assert (tokens.email, tokens.expires_at) == (None, None)


def test_the_page_is_told_where_to_come_back_to(provider: FakeProvider, log_in: LogIn) -> None:
    notices: list[Notice] = []
    log_in(app_url=f"{provider.issuer}/", notify=notices.append)
    (notice,) = notices
    assert isinstance(notice, OpenUrl)
    asked = parse_qs(urlsplit(notice.url).query)
    assert urlsplit(notice.url).path == "/cli-login"
    assert asked["callback"][0].startswith("http://127.0.0.1:")
    assert len(asked["state"][0]) == 64


@pytest.mark.parametrize("state", ["another", None])
def test_a_callback_with_another_state_is_no_login(
    provider: FakeProvider, log_in: LogIn, state: str | None
) -> None:
    """The login goes on: here, until its reader of pasted lines ends it."""
    provider.callback_changes = {"state": state}
    is_refused = Event()

    def open_browser(url: str) -> None:
        provider.browser(url)
        is_refused.set()

    def read_redirect(closed: Event) -> str:
        assert is_refused.wait(30)
        raise EOFError

    with pytest.raises(EOFError):
        log_in(open_browser=open_browser, read_redirect=read_redirect)
    assert provider.pages[0].status == 403


def test_a_refusal_ends_the_login(provider: FakeProvider, log_in: LogIn) -> None:
    provider.callback_changes = {"token": None, "error": "access_denied"}
    with pytest.raises(AuthError, match="was refused"):
        log_in()


def test_what_is_no_token_is_refused(provider: FakeProvider, log_in: LogIn) -> None:
    provider.callback_changes = {"token": "two\nlines"}
    with pytest.raises(AuthError, match="no token has"):
        log_in()


def test_a_pasted_url_logs_in(provider: FakeProvider, log_in: LogIn) -> None:
    """AUTH-15"""
    urls: list[str] = []

    def notify(notice: Notice) -> None:
        assert isinstance(notice, OpenUrl)
        urls.append(notice.url)

    tokens = log_in(
        open_browser=None, notify=notify, read_redirect=lambda closed: provider.approve(urls[0])
    )
    assert provider.accepts(tokens.access_token.reveal())


def test_an_app_over_plain_http_is_refused(log_in: LogIn) -> None:
    """AUTH-16"""
    with pytest.raises(ConfigError, match="over plain http"):
        log_in(app_url="http://dagy.example.com")
