"""dagy-auth, as people use it, against a server that listens on a real port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastapi import FastAPI
from httpx import Client
from sqlalchemy import func, select

from dagy_auth import (
    Application,
    EnterCode,
    FileStore,
    Notice,
    Secret,
    StaticTokenSource,
    StoredTokenSource,
    TokenSet,
    discover,
    fetch_identity,
    login_with_browser,
    login_with_device,
    logout,
    refresh,
)
from dagy_server.database.schema import audit_log
from dagy_types.errors import AuthError, NetworkError, TokenExpiredError

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser
    from httpx import Response

CLI = Application(client_id="dagy-cli")
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
AT_ONCE = 20


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    """A server on a real port."""
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def person(url: str, browse: Callable[[Client], PageBrowser]) -> Iterator[PageBrowser]:
    """Somebody with a browser, which follows redirects."""
    with Client(base_url=url, follow_redirects=True, trust_env=False) as client:
        yield browse(client)


@pytest.fixture
def finish(person: PageBrowser, ada: Member) -> Callable[..., Response]:
    """Sign in where that is asked for, answer, and return the page at the end."""

    def finish(url: str, answer: str = "allow") -> Response:
        page = person.open(url)
        if "<title>Sign in" in page.text:
            page = person.submit(page, email=ada.email, password="correct horse battery")
        assert "Allow the dagy command line?" in page.text
        return person.submit(page, answer=answer)

    return finish


@pytest.fixture
def log_in(url: str, finish: Callable[..., Response]) -> Callable[..., TokenSet]:
    def log_in(**changes: object) -> TokenSet:
        options = {"origin": url, "open_browser": finish, "timeout_seconds": 30.0, **changes}
        return login_with_browser(discover(url), CLI, **options)  # type: ignore[arg-type]  # as named

    return log_in


@pytest.fixture
def store(tmp_path: Path, log_in: Callable[..., TokenSet]) -> FileStore:
    """A store with a login whose access token has just expired."""
    store = FileStore(tmp_path / "credentials.json")
    store.save("dev", replace(log_in(), expires_at=LONG_AGO))
    return store


@pytest.fixture
def renewals(app: FastAPI) -> Callable[[], int]:
    """Count the renewals that the server has granted."""

    def renewals() -> int:
        count = select(func.count()).where(audit_log.c.action == "token.renewed")
        with app.state.services.database.reading() as connection:
            return connection.scalar(count) or 0

    return renewals


def who(url: str, token: Secret) -> str | None:
    return fetch_identity(f"{url}/me", StaticTokenSource(token, origin=url)).email


def test_a_person_logs_in_with_the_browser(
    url: str,
    person: PageBrowser,
    ada: Member,
    finish: Callable[..., Response],
    log_in: Callable[..., TokenSet],
) -> None:
    pages: list[str] = []
    shown = threading.Event()

    def open_browser(target: str) -> None:
        pages.append(finish(target).text)
        shown.set()

    tokens = log_in(open_browser=open_browser)
    assert who(url, tokens.access_token) == "ada@example.com"
    identity = fetch_identity(f"{url}/users/me", StaticTokenSource(tokens.access_token, origin=url))
    assert (identity.organisation, identity.roles) == ("Acme", ("developer",))
    assert (tokens.issuer, tokens.client_id) == (url, "dagy-cli")
    assert shown.wait(30)
    assert "You can close this window now" in pages[0]


def test_a_person_may_call_the_server_localhost(url: str, finish: Callable[..., Response]) -> None:
    url = url.replace("127.0.0.1", "localhost")
    provider = discover(url)
    assert provider.issuer == url
    tokens = login_with_browser(
        provider, CLI, origin=url, open_browser=finish, timeout_seconds=30.0
    )
    assert who(url, tokens.access_token) == "ada@example.com"


def test_a_person_who_denies_it_is_not_logged_in(
    finish: Callable[..., Response], log_in: Callable[..., TokenSet]
) -> None:
    with pytest.raises(AuthError, match="was refused"):
        log_in(open_browser=lambda target: finish(target, "deny"))


def test_a_scope_that_is_none_is_refused_at_once(
    url: str, person: PageBrowser, owner: Member
) -> None:
    with pytest.raises(AuthError, match="invalid_scope"):
        login_with_browser(
            discover(url),
            Application(client_id="dagy-cli", scopes=("everything",)),
            origin=url,
            open_browser=person.open,
            timeout_seconds=30,
        )


def test_a_person_logs_in_with_a_code(
    url: str, person: PageBrowser, ada: Member, clock: FakeClock
) -> None:
    notices: list[EnterCode] = []
    waits: list[float] = []

    def notify(notice: Notice) -> None:
        assert isinstance(notice, EnterCode)
        notices.append(notice)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)
        if len(waits) == 3:
            page = person.open(notices[0].url)
            page = person.submit(page, email=ada.email, password="correct horse battery")
            page = person.submit(page, user_code=notices[0].user_code)
            assert notices[0].user_code in page.text
            assert "The login is allowed" in person.submit(page, answer="allow").text

    tokens = login_with_device(discover(url), CLI, origin=url, notify=notify, wait=wait)
    assert waits == [5.0] * 3
    assert who(url, tokens.access_token) == "ada@example.com"
    assert tokens.refresh_token is not None


def test_a_device_that_is_denied_is_told_so(
    url: str, finish: Callable[..., Response], clock: FakeClock
) -> None:
    links: list[str] = []

    def notify(notice: Notice) -> None:
        assert isinstance(notice, EnterCode) and notice.complete_url is not None
        links.append(notice.complete_url)

    def wait(seconds: float) -> None:
        clock.advance(seconds)
        finish(links[0], "deny")

    with pytest.raises(AuthError, match="was refused"):
        login_with_device(discover(url), CLI, origin=url, notify=notify, wait=wait)


def test_many_threads_with_an_expired_token_renew_it_once(
    url: str, store: FileStore, renewals: Callable[[], int]
) -> None:
    source = StoredTokenSource(store, "dev", origin=url)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tokens = list(pool.map(lambda _: source.token(url), range(AT_ONCE)))
    assert len(set(tokens)) == 1
    assert renewals() == 1
    assert who(url, Secret(tokens[0])) == "ada@example.com"


def test_many_programs_with_an_expired_token_renew_it_once(
    url: str, store: FileStore, renewals: Callable[[], int]
) -> None:
    def token(_: int) -> str:
        own = FileStore(Path(store.location))
        return StoredTokenSource(own, "dev", origin=url).token(url)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        tokens = list(pool.map(token, range(AT_ONCE)))
    assert len(set(tokens)) == 1
    assert renewals() == 1


def test_of_many_that_send_the_same_refresh_token_one_gets_tokens_and_they_end(
    url: str, log_in: Callable[..., TokenSet], renewals: Callable[[], int]
) -> None:
    tokens = log_in()
    start = threading.Barrier(AT_ONCE)

    def renew(_: int) -> TokenSet | None:
        start.wait()
        try:
            return refresh(tokens)
        except TokenExpiredError:
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(renew, range(AT_ONCE)))
    granted = [each for each in outcomes if each is not None]
    assert len(granted) == renewals() == 1
    with pytest.raises(AuthError):
        who(url, granted[0].access_token)
    with pytest.raises(TokenExpiredError):
        refresh(granted[0])


def test_an_old_refresh_token_ends_the_session_of_its_thief_and_its_owner(
    url: str, log_in: Callable[..., TokenSet]
) -> None:
    stolen = log_in()
    newer = refresh(stolen)
    assert who(url, newer.access_token) == "ada@example.com"
    with pytest.raises(TokenExpiredError, match="has ended"):
        refresh(stolen)
    for tokens in (stolen, newer):
        with pytest.raises(AuthError):
            who(url, tokens.access_token)


def test_after_a_logout_the_token_is_of_no_use(url: str, store: FileStore) -> None:
    source = StoredTokenSource(store, "dev", origin=url)
    token = source.token(url)
    result = logout(store, "dev")
    assert result.was_logged_in and result.is_revoked
    assert store.load("dev") is None
    with Client(base_url=url, trust_env=False) as client:
        answer = client.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_program_is_told_when_it_asks_too_often(url: str, owner: Member) -> None:
    with Client(base_url=url, trust_env=False) as client:
        for _ in range(60):
            client.post("/oauth/token", data={"client_id": "dagy-cli"})
    with pytest.raises(NetworkError, match="not available"):
        login_with_device(discover(url), CLI, origin=url)
