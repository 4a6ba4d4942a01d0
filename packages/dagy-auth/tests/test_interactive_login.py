from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from dagy_auth import (
    Application,
    EnterCode,
    NoCallbackError,
    Notice,
    OpenUrl,
    TokenSet,
    Warned,
    login_interactively,
)
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, NotFoundError

ORIGIN = "https://api.example.com"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


class Run:
    """Logs in, and remembers what was told."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self.told: list[Notice] = []

    def __call__(self, **options: Any) -> TokenSet:
        fields = {"origin": ORIGIN, "open_browser": self.provider.browser} | options
        application = Application(client_id=self.provider.client_id)
        issuer = fields.pop("issuer", self.provider.issuer)
        return login_interactively(issuer, application, notify=self.told.append, **fields)

    @property
    def kinds(self) -> list[type[Any]]:
        return [type(notice) for notice in self.told]


@pytest.fixture
def run(provider: FakeProvider) -> Run:
    return Run(provider)


def unopened(url: str) -> NoReturn:
    pytest.fail("a browser was opened")


def lost(url: str) -> bool:
    """A browser that never comes back."""
    return True


@pytest.mark.parametrize("way", ["auto", "browser"])
def test_where_a_browser_works_it_is_used(run: Run, way: str) -> None:
    tokens = run(way=way)
    assert run.provider.accepts(tokens.access_token.reveal())
    assert tokens.origin == "https://api.example.com:443"
    assert run.kinds == [OpenUrl]


def test_where_no_browser_works_the_login_is_by_a_code(run: Run) -> None:
    """AUTH-15."""
    tokens = run(obstacle="this is an SSH session", open_browser=unopened)
    assert run.provider.accepts(tokens.access_token.reveal())
    assert run.kinds == [Warned, EnterCode]
    assert run.told[0] == Warned(
        message="No browser is opened, since this is an SSH session.",
        hint="Enter the code in a browser on any device.",
    )


def test_a_browser_that_does_not_come_back_is_followed_by_a_code(run: Run) -> None:
    """AUTH-15."""
    tokens = run(open_browser=lost, timeout_seconds=0.05)
    assert run.provider.accepts(tokens.access_token.reveal())
    assert run.kinds == [OpenUrl, Warned, EnterCode]


def test_a_chosen_way_is_the_only_one(run: Run) -> None:
    run(way="device", open_browser=unopened)
    assert run.kinds == [EnterCode]
    with pytest.raises(NoCallbackError):
        run(way="browser", open_browser=lost, timeout_seconds=0.05)
    run(way="browser", obstacle="this is a container")


def test_without_codes_the_url_is_shown_even_where_no_browser_works(run: Run) -> None:
    """AUTH-15: it can be opened elsewhere, and its redirect pasted."""
    run.provider.metadata_changes = {"device_authorization_endpoint": None}

    def approve_elsewhere(closed: object) -> str:
        (notice,) = run.told
        assert isinstance(notice, OpenUrl)
        assert not notice.is_opening
        return run.provider.approve(notice.url)

    tokens = run(
        obstacle="this is a container", open_browser=unopened, read_redirect=approve_elsewhere
    )
    assert run.provider.accepts(tokens.access_token.reveal())
    with pytest.raises(NoCallbackError):
        run(open_browser=lost, timeout_seconds=0.05)


def test_without_a_login_by_browser_the_code_is_used(run: Run) -> None:
    run.provider.metadata_changes = {"authorization_endpoint": None}
    run(open_browser=unopened)
    assert run.kinds == [EnterCode]


def test_a_refusal_is_not_followed_by_another_try(run: Run) -> None:
    run.provider.denies = True
    with pytest.raises(AuthError, match="refused"):
        run()
    assert run.kinds == [OpenUrl]


def test_an_app_that_knows_no_oauth_gets_the_older_callback(run: Run) -> None:
    run.provider.metadata_kinds = ()
    tokens = run(app_url=run.provider.issuer)
    assert run.provider.accepts(tokens.access_token.reveal())
    assert tokens.refresh_token is None
    assert len(run.provider.requests_to("/cli-login")) == 1


@pytest.mark.parametrize("way", ["auto", "device"])
def test_without_metadata_and_without_such_an_app_there_is_no_login(run: Run, way: str) -> None:
    run.provider.metadata_kinds = ()
    app_url = run.provider.issuer if way == "device" else None
    with pytest.raises(NotFoundError, match="does not say how to log in"):
        run(way=way, app_url=app_url)
