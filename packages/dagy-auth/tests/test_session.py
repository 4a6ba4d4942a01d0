from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from dagy_auth import (
    Application,
    CredentialStores,
    FileStore,
    LoginResult,
    LogoutResult,
    MemoryStore,
    Notice,
    Session,
    Warned,
    fetch_identity,
)
from dagy_auth.testing import FakeProvider
from dagy_types.errors import (
    CredentialStoreError,
    DagyError,
    NotLoggedInError,
    TokenExpiredError,
)

WITH_DISPLAY = {"DISPLAY": ":0", "BROWSER": "fake"}


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def told() -> list[Notice]:
    return []


@pytest.fixture
def make_session(provider: FakeProvider, told: list[Notice]) -> Callable[..., Session]:
    def make(store: Any, **options: Any) -> Session:
        fields = {
            "origin": provider.origin,
            "identity_url": provider.me_url,
            "login_hint": "Run: tool login",
            "notify": told.append,
        }
        application = Application(client_id=provider.client_id)
        return Session(provider.issuer, application, store=store, **{**fields, **options})

    return make


def log_in(session: Session, provider: FakeProvider, **options: Any) -> Any:
    return session.login(environ=WITH_DISPLAY, open_browser=provider.browser, **options)


def test_a_session_from_login_to_logout(
    make_session: Callable[..., Session], provider: FakeProvider, tmp_path: Path
) -> None:
    session = make_session(FileStore(tmp_path / "credentials.json"))
    result = log_in(session, provider)
    assert result.identity is not None
    assert result.identity.email == result.tokens.email == "user@example.com"
    source = session.token_source()
    assert provider.accepts(source.token(provider.me_url))
    provider.expire_tokens()
    assert fetch_identity(provider.me_url, source).roles == ("developer",)
    assert provider.refresh_count == 1
    assert session.logout() == LogoutResult(was_logged_in=True, is_revoked=True)
    with pytest.raises(NotLoggedInError) as caught:
        session.token_source().token(provider.me_url)
    assert caught.value.hint == "Run: tool login"


def test_without_a_browser_the_session_begins_with_a_code(
    make_session: Callable[..., Session], provider: FakeProvider
) -> None:
    """AUTH-15."""
    session = make_session(MemoryStore())
    session.login(environ={"SSH_TTY": "/dev/pts/0"}, open_browser=lambda url: pytest.fail(url))
    assert provider.requests_to("/device_authorization")
    assert provider.accepts(session.token_source().token(provider.me_url))


def test_a_login_without_an_identity_url_asks_nobody_for_the_identity(
    make_session: Callable[..., Session], provider: FakeProvider
) -> None:
    session = make_session(MemoryStore(), identity_url=None)
    assert log_in(session, provider).identity is None
    assert provider.requests_to("/me") == []


def test_an_identity_url_of_another_server_is_refused_before_any_login(
    make_session: Callable[..., Session],
) -> None:
    """AUTH-21."""
    with pytest.raises(NotLoggedInError, match="not for https://other"):
        make_session(MemoryStore(), identity_url="https://other.example.com/me")


def test_a_token_that_the_api_does_not_accept_is_no_login(
    make_session: Callable[..., Session], provider: FakeProvider
) -> None:
    """AUTH-04."""
    store = MemoryStore()
    provider.misbehave("/me", "unauthorized", times=2)
    with pytest.raises(TokenExpiredError):
        log_in(make_session(store), provider)
    assert store.names() == []


def test_a_name_of_its_own_keeps_a_session_apart(
    make_session: Callable[..., Session], provider: FakeProvider
) -> None:
    """AUTH-22."""
    store = MemoryStore()
    first, second = make_session(store, name="a"), make_session(store, name="b")
    log_in(first, provider)
    token = first.token_source().token(provider.me_url)
    log_in(second, provider)
    assert first.token_source().token(provider.me_url) == token
    assert second.token_source().token(provider.me_url) != token
    second.logout()
    assert fetch_identity(provider.me_url, first.token_source()).email


class NoKeyring:
    """A keyring that refuses everything."""

    priority = 5

    def get_password(self, service: str, name: str) -> str | None:
        raise OSError

    def set_password(self, service: str, name: str, password: str) -> None:
        raise OSError

    def delete_password(self, service: str, name: str) -> None:
        raise OSError


def test_without_a_keyring_the_session_is_kept_in_a_file_and_that_is_told(
    make_session: Callable[..., Session],
    provider: FakeProvider,
    told: list[Notice],
    tmp_path: Path,
) -> None:
    stores = CredentialStores(tmp_path, backend=NoKeyring())
    session = make_session(stores)
    result = log_in(session, provider)
    assert (result.location, result.is_encrypted) == (str(tmp_path / "credentials.json"), False)
    (warned,) = (notice for notice in told if isinstance(notice, Warned))
    assert warned.hint == "The login is stored in a file instead."
    assert "keyring" in warned.message
    assert provider.accepts(session.token_source().token(provider.me_url))
    assert session.logout().was_logged_in
    assert list(tmp_path.iterdir()) == []


class CountingKeyring:
    """A keyring that counts how often it is read and written."""

    priority = 5

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []

    def get_password(self, service: str, name: str) -> str | None:
        self.calls.append("get")
        return self.entries.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        self.calls.append("set")
        self.entries[service, name] = password

    def delete_password(self, service: str, name: str) -> None:
        self.calls.append("delete")
        del self.entries[service, name]


def test_a_command_reads_the_keyring_once_and_one_without_a_login_never(
    make_session: Callable[..., Session], provider: FakeProvider, tmp_path: Path
) -> None:
    """AUTH-24: also when the token has to be renewed."""
    keyring = CountingKeyring()

    def command(**options: Any) -> Session:
        keyring.calls.clear()
        return make_session(CredentialStores(tmp_path, backend=keyring), **options)

    log_in(command(), provider)
    source = command().token_source()
    assert keyring.calls == []
    for _ in range(3):
        fetch_identity(provider.me_url, source)
    assert keyring.calls == ["get"]
    provider.expire_tokens()
    fetch_identity(provider.me_url, command().token_source())
    assert provider.refresh_count == 1
    assert keyring.calls == ["get"]
    with pytest.raises(NotLoggedInError):
        command(name="other").token_source().token(provider.me_url)
    assert keyring.calls == []
    command().logout()
    assert keyring.entries == {}


def test_where_only_a_keyring_will_do_nothing_begins_without_one(
    make_session: Callable[..., Session], provider: FakeProvider, tmp_path: Path
) -> None:
    """AUTH-08."""
    stores = CredentialStores(tmp_path, require_encrypted=True, backend=NoKeyring())
    with pytest.raises(CredentialStoreError):
        log_in(make_session(stores), provider)
    assert provider.requests == []
    assert list(tmp_path.iterdir()) == []


def test_logins_at_once_in_one_process_do_not_mix(tmp_path: Path) -> None:
    """AUTH-14."""
    store = FileStore(tmp_path / "credentials.json")
    all_open = Barrier(4)
    with ExitStack() as started, ThreadPoolExecutor(4) as threads:
        providers = [started.enter_context(FakeProvider()) for _ in range(4)]

        def begin(provider: FakeProvider) -> LoginResult:
            def browser(url: str) -> bool:
                all_open.wait(30)
                return provider.browser(url)

            application = Application(client_id=provider.client_id)
            session = Session(
                provider.issuer,
                application,
                origin=provider.origin,
                store=store,
                name=provider.issuer,
                identity_url=provider.me_url,
            )
            return session.login(environ=WITH_DISPLAY, open_browser=browser)

        results = list(threads.map(begin, providers))
        for provider, result in zip(providers, results, strict=True):
            assert store.load(provider.issuer) == result.tokens
            assert result.tokens.issuer == provider.issuer
            assert provider.accepts(result.tokens.access_token.reveal())


LOG_IN = """
import sys
from pathlib import Path
from dagy_auth import Application, FileStore, Session
path, issuer, name = sys.argv[1:]
application = Application(client_id="dagy-cli")
session = Session(issuer, application, origin=issuer, store=FileStore(Path(path)), name=name)
print("ready", flush=True)
sys.stdin.readline()
session.login(way="device")
"""


def test_logins_at_once_in_two_processes_do_not_mix(tmp_path: Path) -> None:
    """AUTH-14."""
    path = tmp_path / "credentials.json"
    with FakeProvider() as first, FakeProvider() as second, ExitStack() as started:
        providers = {"a": first, "b": second}
        processes = []
        for name, provider in providers.items():
            process = subprocess.Popen(
                [sys.executable, "-c", LOG_IN, path, provider.issuer, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.wait(60) for process in processes] == [0, 0]
        store = FileStore(path)
        assert store.names() == ["a", "b"]
        for name, provider in providers.items():
            tokens = store.load(name)
            assert tokens is not None
            assert tokens.issuer == provider.issuer
            assert provider.accepts(tokens.access_token.reveal())


@pytest.mark.parametrize("path", ["/token", "/me", "/authorize", "/revoke"])
@pytest.mark.parametrize("kind", ["html", "error_500", "unauthorized", "truncated", "drop"])
def test_whatever_the_provider_does_no_secret_is_seen(
    make_session: Callable[..., Session],
    provider: FakeProvider,
    told: list[Notice],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    path: str,
    kind: Any,
) -> None:
    """AUTH-06."""
    caplog.set_level(0)
    session = make_session(FileStore(tmp_path / "credentials.json"))
    provider.misbehave(path, kind, times=9)
    seen: list[str] = [repr(session), repr(vars(session))]
    try:
        seen.append(repr(log_in(session, provider, timeout_seconds=0.2)))
        source = session.token_source()
        source.reject(source.token(provider.me_url))
        source.token(provider.me_url)
        seen.append(repr(vars(source)))
        seen.append(repr(session.logout()))
    except DagyError as error:
        assert "\n" not in error.message
        assert error.hint
        told_of = traceback.TracebackException.from_exception(error, capture_locals=True)
        seen += [repr(error), *told_of.format()]
    seen += [*map(repr, told), caplog.text, *capfd.readouterr()]
    text = "\n".join(seen)
    assert [secret for secret in provider.secrets if secret in text] == []
