from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dagy_auth import (
    Application,
    Http,
    NoCallbackError,
    Notice,
    OpenUrl,
    Provider,
    Secret,
    TokenSet,
    Warned,
    discover,
    login_with_browser,
    refresh,
)
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, DagyError, NetworkError

LogIn = Callable[..., TokenSet]


@pytest.fixture
def found(provider: FakeProvider) -> Provider:
    return discover(provider.issuer)


@pytest.fixture
def log_in(provider: FakeProvider, found: Provider) -> LogIn:
    def log_in(**changes: Any) -> TokenSet:
        application = Application(client_id=provider.client_id, scopes=("openid", "runs"))
        options: dict[str, Any] = {
            "origin": provider.origin,
            "open_browser": provider.browser,
            "timeout_seconds": 30.0,
        }
        return login_with_browser(
            changes.pop("provider", found),
            changes.pop("application", application),
            **{**options, **changes},
        )

    return log_in


def test_a_person_logs_in(provider: FakeProvider, log_in: LogIn) -> None:
    tokens = log_in()
    assert provider.accepts(tokens.access_token.reveal())
    assert tokens.refresh_token is not None
    assert tokens.expires_at is not None
    assert 3500 < (tokens.expires_at - datetime.now(timezone.utc)).total_seconds() <= 3600
    assert tokens == TokenSet(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
        origin=provider.origin,
        client_id=provider.client_id,
        scopes=("openid", "runs"),
        issuer=provider.issuer,
        token_endpoint=f"{provider.issuer}/token",
        revocation_endpoint=f"{provider.issuer}/revoke",
        email="user@example.com",
        subject="user-1",
    )


def test_every_login_has_texts_of_its_own_and_pkce(provider: FakeProvider, log_in: LogIn) -> None:
    """AUTH-16: PKCE with S256 in every request; the fake provider checks the verifier."""
    log_in()
    log_in()
    asked = [request.parameters for request in provider.requests_to("/authorize")]
    assert [each["code_challenge_method"] for each in asked] == ["S256", "S256"]
    for name in ("state", "nonce", "code_challenge"):
        first, second = (each[name] for each in asked)
        assert first != second
        assert len(first) >= 43
    for each, sent in zip(asked, provider.requests_to("/token"), strict=True):
        assert sent.parameters["code_verifier"] not in each.values()
        assert sent.parameters["redirect_uri"] == each["redirect_uri"]
        assert urlsplit(each["redirect_uri"]).hostname == "127.0.0.1"


def test_a_nonce_is_for_openid_only(provider: FakeProvider, log_in: LogIn) -> None:
    log_in(application=Application(client_id=provider.client_id))
    assert "nonce" not in provider.requests_to("/authorize")[0].parameters


@pytest.mark.parametrize(
    ("scope", "prompt", "sent"),
    [
        ("openid", None, None),
        ("offline_access", None, "consent"),
        ("offline_access", "", None),
        ("openid", "login", "login"),
    ],
)
def test_offline_access_is_asked_for_with_consent(
    provider: FakeProvider, log_in: LogIn, scope: str, prompt: str | None, sent: str | None
) -> None:
    """OpenID Connect Core §11: without it, a provider ignores that scope."""
    log_in(
        application=Application(client_id=provider.client_id, scopes=(scope,), prompt=prompt),
    )
    assert provider.requests_to("/authorize")[0].parameters.get("prompt") == sent


def test_the_resource_is_asked_for_in_each_request(provider: FakeProvider, log_in: LogIn) -> None:
    """RFC 8707 §2.2: a provider need not remember it."""
    resource = "https://api.example.com"
    tokens = log_in(application=Application(client_id=provider.client_id, resource=resource))
    assert tokens.resource == resource
    refresh(tokens)
    sent = [*provider.requests_to("/authorize"), *provider.requests_to("/token")]
    assert [request.parameters.get("resource") for request in sent] == [resource] * 3


def test_a_pasted_url_logs_in(provider: FakeProvider, log_in: LogIn) -> None:
    """AUTH-15: without any browser on this machine."""
    urls: list[str] = []

    def notify(notice: Notice) -> None:
        assert isinstance(notice, OpenUrl)
        urls.append(notice.url)

    tokens = log_in(
        open_browser=None,
        notify=notify,
        read_redirect=lambda closed: provider.approve(urls[0]),
    )
    assert provider.accepts(tokens.access_token.reveal())


def test_a_browser_that_does_not_come_back_is_an_error_of_its_own(log_in: LogIn) -> None:
    """AUTH-15: whoever gets it can offer a login by code."""
    with pytest.raises(NoCallbackError) as caught:
        log_in(open_browser=None, timeout_seconds=0.01)
    assert isinstance(caught.value, AuthError)
    assert caught.value.hint


def test_a_refusal_ends_the_login(provider: FakeProvider, log_in: LogIn) -> None:
    """AUTH-13"""
    provider.denies = True
    with pytest.raises(AuthError, match=r"^The login at 127\.0\.0\.1:\d+ was refused\.$") as caught:
        log_in()
    assert caught.value.hint == "Log in again and accept."
    assert not provider.requests_to("/token")


def test_an_error_of_the_provider_is_shown_cleaned(provider: FakeProvider, log_in: LogIn) -> None:
    provider.denies = True
    provider.callback_changes = {"error": "invalid_scope", "error_description": "No:\x1b[2J\nruns"}
    with pytest.raises(
        AuthError, match=r"refuses the login: invalid_scope: No:\\x1b\[2J\\nruns\.$"
    ):
        log_in()
    provider.callback_changes = {"error": "server_error", "error_description": None}
    with pytest.raises(AuthError, match=r"refuses the login: server_error\.$"):
        log_in()


@pytest.mark.parametrize("state", ["another", "", None])
def test_a_callback_with_another_state_is_no_login(
    provider: FakeProvider, log_in: LogIn, state: str | None
) -> None:
    """AUTH-13: the login goes on; here, until its reader of pasted lines ends it."""
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
    assert not provider.requests_to("/token")


@pytest.mark.parametrize("iss", ["https://evil.example.com", "", None])
def test_a_callback_of_another_issuer_is_refused(
    provider: FakeProvider, log_in: LogIn, iss: str | None
) -> None:
    """AUTH-13: RFC 9207."""
    provider.callback_changes = {"iss": iss}
    with pytest.raises(AuthError, match="The browser came back from"):
        log_in()
    assert not provider.requests_to("/token")


def test_a_provider_need_not_name_itself(
    provider: FakeProvider, found: Provider, log_in: LogIn
) -> None:
    provider.callback_changes = {"iss": None}
    assert log_in(provider=replace(found, names_itself=False))
    provider.callback_changes = {"iss": "https://evil.example.com"}
    with pytest.raises(AuthError, match=r"evil\.example\.com"):
        log_in(provider=replace(found, names_itself=False))


def test_a_provider_without_pkce_is_warned_about(
    provider: FakeProvider, found: Provider, log_in: LogIn
) -> None:
    """AUTH-16: S256 is sent all the same, and plain never is."""
    notices: list[Notice] = []
    log_in(provider=replace(found, code_challenge_methods=("plain",)), notify=notices.append)
    warned = [notice for notice in notices if isinstance(notice, Warned)]
    assert [provider.issuer in each.message and "PKCE" in each.message for each in warned] == [True]
    assert provider.requests_to("/authorize", code_challenge_method="S256")


@pytest.mark.parametrize("methods", [None, ("plain", "S256")])
def test_a_provider_that_may_know_pkce_is_not(
    found: Provider, log_in: LogIn, methods: tuple[str, ...] | None
) -> None:
    notices: list[Notice] = []
    log_in(provider=replace(found, code_challenge_methods=methods), notify=notices.append)
    assert [type(notice) for notice in notices] == [OpenUrl]


def test_a_provider_without_a_page_is_an_error(found: Provider, log_in: LogIn) -> None:
    with pytest.raises(AuthError, match="has no login by browser"):
        log_in(provider=replace(found, authorization_endpoint=None))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("html", AuthError),
        ("unauthorized", AuthError),
        ("truncated", AuthError),
        ("error_500", NetworkError),
        ("cut_off", NetworkError),
        ("drop", NetworkError),
        ("slow", NetworkError),
    ],
)
def test_a_token_endpoint_that_misbehaves_is_an_error_of_one_line(
    provider: FakeProvider, log_in: LogIn, kind: Any, error: type[DagyError]
) -> None:
    provider.misbehave("/token", kind)
    with Http(timeout_seconds=1.0) as http, pytest.raises(error) as caught:
        log_in(http=http)
    assert str(caught.value).isprintable()
    assert caught.value.hint


def test_an_identity_of_another_login_is_refused(provider: FakeProvider, log_in: LogIn) -> None:
    provider.token_changes = {"id_token": provider.jwt({"nonce": "another"})}
    with pytest.raises(AuthError, match="the identity of another login"):
        log_in()


def test_an_application_can_have_a_secret(provider: FakeProvider, log_in: LogIn) -> None:
    secret = Secret(provider.machine_client_secret)
    tokens = log_in(
        application=Application(client_id=provider.machine_client_id, client_secret=secret)
    )
    assert tokens.client_secret == secret


def test_two_logins_at_once_in_one_process_do_not_mix(
    provider: FakeProvider, log_in: LogIn
) -> None:
    """AUTH-14: each browser comes back to the login that it was sent by."""
    are_both_under_way = [Event(), Event()]

    def one(number: int) -> TokenSet:
        def open_browser(url: str) -> None:
            are_both_under_way[number].set()
            assert are_both_under_way[1 - number].wait(30)
            provider.browser(url)

        application = Application(client_id=provider.client_id, scopes=(f"login-{number}",))
        return log_in(application=application, open_browser=open_browser)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(one, range(2)))
    assert [tokens.scopes for tokens in both] == [("login-0",), ("login-1",)]


_PROGRAM = """
import sys
from dagy_auth import Application, discover, login_with_browser

def notify(notice):
    print(notice.url, flush=True)

provider = discover(sys.argv[1])
application = Application(client_id="dagy-cli", scopes=(sys.argv[2],))
try:
    tokens = login_with_browser(
        provider, application, origin=sys.argv[1], notify=notify, open_browser=None
    )
except KeyboardInterrupt:
    print("interrupted", flush=True)
else:
    print(*tokens.scopes, flush=True)
"""


def _start(provider: FakeProvider, scope: str = "runs") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, provider.issuer, scope],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_logins_at_once_in_two_processes_do_not_mix(provider: FakeProvider) -> None:
    """AUTH-14"""
    with _start(provider, "first") as first, _start(provider, "second") as second:
        assert first.stdout is not None
        assert second.stdout is not None
        urls = [process.stdout.readline().strip() for process in (first, second)]
        states = [parse_qs(urlsplit(url).query)["state"] for url in urls]
        assert states[0] != states[1]
        for url in reversed(urls):
            provider.browser(url)
        assert first.stdout.read().strip() == "first"
        assert second.stdout.read().strip() == "second"


def test_control_c_ends_a_login_at_once(provider: FakeProvider) -> None:
    with _start(provider) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(provider.issuer)
        interrupted_at = monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().strip() == "interrupted"
        assert monotonic() - interrupted_at < 0.5
    assert process.returncode == 0


def test_the_page_that_is_served_has_no_secret(provider: FakeProvider, log_in: LogIn) -> None:
    """AUTH-13: and no resource from anywhere."""
    is_shown = Event()

    def open_browser(url: str) -> None:
        provider.browser(url)
        is_shown.set()

    log_in(open_browser=open_browser)
    assert is_shown.wait(30)
    (page,) = provider.pages
    assert page.status == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    whole = page.body + json.dumps(page.headers.items())
    assert not [secret for secret in provider.secrets if secret in whole]
