from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import EnterCode, Notice, OpenUrl, Warned
from dagy_auth.testing import FakeProvider
from dagy_cli.accounts import Account, account_for
from dagy_cli.profiles import Flags
from dagy_cli.sign_in import Way, obtain_tokens, verify
from dagy_types.errors import AuthError, ConfigError, NetworkError

DEVICE = Way(is_device=True)


@pytest.fixture
def notices() -> list[Notice]:
    return []


@pytest.fixture
def account(provider: FakeProvider, notices: list[Notice]) -> Callable[..., Account]:
    """The account at the provider, or wherever the variables say."""

    def make(**environ: str) -> Account:
        return account_for(Flags(), {**os.environ, **environ}, notify=notices.append)

    return make


@pytest.fixture
def browser(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser of this machine, whose user agrees to everything."""
    monkeypatch.setenv("BROWSER", "ours")
    monkeypatch.setattr("webbrowser.open", provider.browser)


def test_the_server_is_its_own_provider(
    account: Callable[..., Account], provider: FakeProvider, browser: None
) -> None:
    tokens = obtain_tokens(account(DAGY_API_URL=f"{provider.origin}/v1"), Way())
    assert tokens.issuer == provider.issuer
    assert tokens.client_id == "dagy-cli"
    assert provider.accepts(tokens.access_token.reveal())


def test_where_the_server_does_not_say_how_to_log_in_the_app_is_asked(
    account: Callable[..., Account], provider: FakeProvider, browser: None
) -> None:
    provider.metadata_kinds = ()
    with FakeProvider() as app:
        tokens = obtain_tokens(account(DAGY_APP_URL=app.issuer), DEVICE)
        assert app.accepts(tokens.access_token.reveal())
    assert tokens.origin == provider.origin


def test_an_app_that_knows_no_oauth_is_asked_by_its_older_callback(
    account: Callable[..., Account], provider: FakeProvider, browser: None
) -> None:
    provider.metadata_kinds = ()
    tokens = obtain_tokens(account(DAGY_APP_URL=f"{provider.issuer}/"), Way())
    assert provider.requests_to("/cli-login")
    assert tokens.email == provider.email


def test_such_an_app_has_no_login_by_a_code(
    account: Callable[..., Account], provider: FakeProvider
) -> None:
    provider.metadata_kinds = ()
    with pytest.raises(AuthError) as error:
        obtain_tokens(account(DAGY_APP_URL=provider.issuer), DEVICE)
    assert error.value.message == f"{provider.issuer} has no login by a code."
    assert error.value.hint == "Leave out --device."


def test_the_issuer_of_the_profile_is_the_only_one_asked(
    account: Callable[..., Account], provider: FakeProvider, config: Callable[[str], Path]
) -> None:
    with FakeProvider(path="/tenant") as elsewhere:
        path = config(f"profiles: {{prod: {{issuer: '{elsewhere.issuer}', client_id: dagy-cli}}}}")
        tokens = obtain_tokens(account(), DEVICE)
        assert elsewhere.accepts(tokens.access_token.reveal())
        elsewhere.metadata_kinds = ()
        with pytest.raises(ConfigError) as error:
            obtain_tokens(account(), DEVICE)
    assert error.value.message == (
        f"{elsewhere.issuer} does not say how to log in (issuer of profile 'prod' in {path})."
    )
    assert provider.requests == []


def test_a_provider_that_does_not_answer_is_named_with_the_reason_to_ask_it(
    account: Callable[..., Account], provider: FakeProvider
) -> None:
    provider.metadata_kinds = ()
    with pytest.raises(NetworkError) as error:
        obtain_tokens(account(DAGY_APP_URL="http://127.0.0.1:9"), DEVICE)
    assert error.value.hint == (
        "Check the network, and the URL http://127.0.0.1:9 (the app, from DAGY_APP_URL; "
        f"{provider.issuer} does not say how to log in)."
    )


def test_where_no_browser_works_a_code_is_given(
    account: Callable[..., Account], notices: list[Notice]
) -> None:
    obtain_tokens(account(BROWSER="none"), Way())
    assert [type(each) for each in notices] == [Warned, EnterCode]


def test_without_a_browser_and_nobody_to_paste_a_code_is_given(
    account: Callable[..., Account], notices: list[Notice], browser: None
) -> None:
    obtain_tokens(account(), Way(opens_browser=False))
    assert [type(each) for each in notices] == [Warned, EnterCode]
    assert "since --no-browser is given" in str(notices[0])


def test_the_url_that_the_browser_ends_at_can_be_pasted(
    account: Callable[..., Account], notices: list[Notice], provider: FakeProvider
) -> None:
    """AUTH-15"""

    def read_redirect(_: Any) -> str:
        (shown,) = notices
        assert isinstance(shown, OpenUrl)
        assert not shown.is_opening
        return provider.approve(shown.url)

    way = Way(opens_browser=False, read_redirect=read_redirect)
    assert provider.accepts(obtain_tokens(account(), way).access_token.reveal())


def test_the_server_says_whose_token_it_is(
    account: Callable[..., Account], provider: FakeProvider
) -> None:
    assert verify(provider.new_tokens(), account()).email == provider.email


def test_a_token_that_the_server_refuses_is_told_with_the_source_of_its_url(
    account: Callable[..., Account], provider: FakeProvider
) -> None:
    tokens = provider.new_tokens()
    provider.revoke_all()
    with pytest.raises(AuthError) as error:
        verify(tokens, account())
    assert error.value.message == f"{provider.issuer} refuses the new token."
    assert "(DAGY_API_URL). Nothing is stored." in (error.value.hint or "")


def test_a_server_that_does_not_answer_leaves_the_login_stored_and_unconfirmed(
    account: Callable[..., Account], provider: FakeProvider
) -> None:
    tokens = provider.new_tokens()
    provider.misbehave("/me", "drop")
    with pytest.raises(NetworkError) as error:
        verify(tokens, account())
    assert (error.value.hint or "").startswith("The login is stored, and not confirmed. Check")
