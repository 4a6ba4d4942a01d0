"""AUTH-06: no log, error, notice or object of a login shows a secret, whatever goes wrong."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dagy_auth import (
    Application,
    Http,
    LoginResult,
    MemoryStore,
    NoCallbackError,
    Notice,
    Notify,
    OpenUrl,
    Provider,
    Secret,
    discover,
    login_with_browser,
    login_with_callback,
    login_with_client_credentials,
    login_with_device,
    refresh,
    revoke,
)
from dagy_auth._loopback import LoopbackReceiver
from dagy_auth.testing import FakeProvider
from dagy_types.errors import DagyError

Flow = Callable[[FakeProvider, Http, Notify], object]


def _provider(fake: FakeProvider) -> Provider:
    issuer = fake.issuer
    return Provider(
        issuer=issuer,
        token_endpoint=f"{issuer}/token",
        authorization_endpoint=f"{issuer}/authorize",
        device_authorization_endpoint=f"{issuer}/device_authorization",
        revocation_endpoint=f"{issuer}/revoke",
    )


def _machine(fake: FakeProvider) -> Application:
    return Application(
        client_id=fake.machine_client_id,
        client_secret=Secret(fake.machine_client_secret),
        scopes=("openid",),
    )


def _browser(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return login_with_browser(
        _provider(fake),
        _machine(fake),
        origin=fake.origin,
        notify=notify,
        open_browser=fake.browser,
        timeout_seconds=30.0,
        http=http,
    )


def _callback(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return login_with_callback(
        fake.issuer, origin=fake.origin, notify=notify, open_browser=fake.browser
    )


def _device(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return login_with_device(
        _provider(fake),
        _machine(fake),
        origin=fake.origin,
        notify=notify,
        wait=lambda seconds: None,
        clock=iter(range(0, 10_000, 60)).__next__,
        http=http,
    )


def _credentials(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return login_with_client_credentials(
        _provider(fake), _machine(fake), origin=fake.origin, http=http
    )


def _refresh(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return refresh(fake.new_tokens(scopes=("openid",)), http=http)


def _revoke(fake: FakeProvider, http: Http, notify: Notify) -> object:
    secret = Secret(fake.machine_client_secret)
    tokens = replace(fake.new_tokens(), client_id=fake.machine_client_id, client_secret=secret)
    return tokens, revoke(tokens, http=http, timeout_seconds=0.4)


def _discover(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return discover(fake.issuer, http=http)


def _me(fake: FakeProvider, http: Http, notify: Notify) -> object:
    return http.get(fake.me_url, token=fake.new_tokens().access_token)


_STEPS: dict[str, tuple[Flow, list[str]]] = {
    "browser": (_browser, ["/token"]),
    "callback": (_callback, ["/cli-login"]),
    "device": (_device, ["/device_authorization", "/token"]),
    "credentials": (_credentials, ["/token"]),
    "refresh": (_refresh, ["/token"]),
    "revoke": (_revoke, ["/revoke"]),
    "discover": (_discover, ["/.well-known/oauth-authorization-server"]),
    "me": (_me, ["/me"]),
}
_KINDS = ["error_500", "unauthorized", "html", "echo", "truncated", "cut_off", "drop", "slow"]
_FAULTS = [
    (name, path, kind)
    for name, (_, paths) in _STEPS.items()
    for path in paths
    for kind in _KINDS
    if name != "callback"  # there is nothing of it but the browser's part
]


class _Watch:
    """Sees all that a program could see of its logins."""

    def __init__(
        self, caplog: pytest.LogCaptureFixture, shown: Callable[[BaseException], str]
    ) -> None:
        self._caplog = caplog
        self._shown = shown
        self._seen: list[str] = []

    def notify(self, notice: Notice) -> None:
        self._seen += [repr(notice), str(notice), f"{notice}"]

    def run(self, flow: Flow, provider: FakeProvider) -> DagyError | None:
        error = None
        try:
            with Http(timeout_seconds=0.4) as http:
                outcome = flow(provider, http, self.notify)
                self._seen += [repr(outcome), str(outcome), repr(http), repr(vars(http))]
        except DagyError as caught:
            error = caught
            self._seen += [self._shown(error), str(error.hint)]
        self.require_no_secret(provider)
        return error

    def require_no_secret(self, provider: FakeProvider) -> None:
        logged = [f"{record.getMessage()} {vars(record)}" for record in self._caplog.records]
        for text in [*self._seen, *logged]:
            assert not [secret for secret in provider.secrets if secret in text], text


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture, shown: Callable[[BaseException], str]) -> _Watch:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "authlib", "dagy_auth"):
        assert logging.getLogger(name).isEnabledFor(logging.DEBUG)
    return _Watch(caplog, shown)


@pytest.mark.parametrize("gives_jwts", [False, True])
@pytest.mark.parametrize("name", _STEPS)
def test_no_secret_is_seen_when_all_goes_well(
    provider: FakeProvider, watch: _Watch, name: str, gives_jwts: bool
) -> None:
    provider.gives_jwts = gives_jwts
    assert watch.run(_STEPS[name][0], provider) is None
    assert provider.requests
    assert provider.secrets


@pytest.mark.parametrize(("name", "path", "kind"), _FAULTS)
def test_no_secret_is_seen_when_a_step_fails(
    provider: FakeProvider, watch: _Watch, name: str, path: str, kind: Any
) -> None:
    provider.misbehave(path, kind)
    watch.run(_STEPS[name][0], provider)
    assert path in [request.path for request in provider.requests]


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": "canary with spaces"},
        {"access_token": None},
        {"token_type": "mac"},
        {"error": "oops", "error_description": "no reason"},
    ],
)
@pytest.mark.parametrize("name", ["browser", "device", "credentials", "refresh"])
def test_no_secret_is_seen_when_the_tokens_are_of_no_use(
    provider: FakeProvider, watch: _Watch, name: str, changes: dict[str, Any]
) -> None:
    provider.token_changes = changes
    error = watch.run(_STEPS[name][0], provider)
    assert error is not None
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example.com"},
        {"error": "access_denied"},
        {"error": "oops", "error_description": "no reason"},
    ],
)
@pytest.mark.parametrize("name", ["browser", "callback"])
def test_no_secret_is_seen_when_the_browser_comes_back_wrong(
    provider: FakeProvider, watch: _Watch, name: str, changes: dict[str, Any]
) -> None:
    provider.callback_changes = changes
    error = watch.run(_STEPS[name][0], provider)
    assert error is not None or "error" not in changes


def test_no_secret_is_seen_when_the_identity_is_of_another_login(
    provider: FakeProvider, watch: _Watch
) -> None:
    provider.token_changes = {"id_token": provider.jwt({"nonce": "another"})}
    assert watch.run(_browser, provider) is not None


@pytest.mark.parametrize("name", ["device", "credentials", "refresh", "revoke"])
def test_no_secret_is_seen_when_tls_fails(provider: FakeProvider, watch: _Watch, name: str) -> None:
    issuer = provider.issuer
    tokens = provider.new_tokens()
    provider.issuer = issuer.replace("http:", "https:")
    flows: dict[str, Flow] = {
        "refresh": lambda fake, http, notify: refresh(
            replace(tokens, token_endpoint=f"{fake.issuer}/token"), http=http
        ),
        "revoke": lambda fake, http, notify: revoke(
            replace(tokens, revocation_endpoint=f"{fake.issuer}/revoke"), http=http
        ),
    }
    error = watch.run(flows.get(name, _STEPS[name][0]), provider)
    assert error is not None
    assert "cannot be connected to" in str(error)


@pytest.mark.parametrize("name", ["browser", "callback", "device"])
def test_no_secret_is_seen_when_whoever_is_told_fails(
    provider: FakeProvider, shown: Callable[[BaseException], str], name: str
) -> None:
    urls = []

    def notify(notice: Notice) -> None:
        urls.append(notice.url if isinstance(notice, OpenUrl) else "")
        raise OSError("The terminal is gone.")

    with Http() as http, pytest.raises(OSError, match="terminal is gone") as caught:
        _STEPS[name][0](provider, http, notify)
    text = shown(caught.value)
    assert not [secret for secret in provider.secrets if secret in text]
    assert not any(url and url in text for url in urls)


def test_no_secret_is_seen_when_the_browser_does_not_come_back(
    provider: FakeProvider, shown: Callable[[BaseException], str]
) -> None:
    urls = []

    def notify(notice: Notice) -> None:
        assert isinstance(notice, OpenUrl)
        urls.append(notice.url)

    with pytest.raises(NoCallbackError) as caught:
        login_with_browser(
            _provider(provider),
            _machine(provider),
            origin=provider.origin,
            notify=notify,
            open_browser=None,
            timeout_seconds=0.0,
        )
    provider.approve(urls[0])
    text = shown(caught.value)
    assert len(provider.secrets) > 2
    assert not [secret for secret in provider.secrets if secret in text]


def test_no_secret_is_seen_of_what_is_between_the_steps(provider: FakeProvider) -> None:
    tokens = provider.new_tokens()
    store = MemoryStore()
    store.save("default", tokens)
    receiver = LoopbackReceiver(state=tokens.access_token, expects=("code",))
    result = LoginResult(tokens, None, "nowhere", is_encrypted=False)
    for each in (tokens, result, store, receiver, _machine(provider), vars(receiver)):
        text = f"{each!r} {each}"
        assert not [secret for secret in provider.secrets if secret in text], text
    for each in (tokens, result, _machine(provider)):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(each)


def test_no_secret_is_in_a_url_that_is_requested(http: Http, provider: FakeProvider) -> None:
    """HTTP-12: what a proxy logs. The browser's own two requests are OAuth's."""
    urls: list[str] = []

    def remember(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, json={"access_token": "t", "token_type": "bearer"})

    tokens = replace(provider.new_tokens(), client_secret=Secret(provider.machine_client_secret))
    with Http(transport=httpx.MockTransport(remember)) as mocked:
        refresh(tokens, http=mocked)
        revoke(tokens, http=mocked)
        mocked.get(provider.me_url, token=tokens.access_token)
        login_with_client_credentials(
            _provider(provider), _machine(provider), origin=provider.origin, http=mocked
        )
    assert len(urls) == 5
    assert not [secret for secret in provider.secrets for url in urls if secret in url]
