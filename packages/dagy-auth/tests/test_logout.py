from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import FileStore, LogoutResult, StoredTokenSource, TokenSet, fetch_identity, logout
from dagy_auth.testing import FakeProvider
from dagy_types.errors import CredentialStoreError, NetworkError, NotLoggedInError


@pytest.fixture
def store(make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]) -> Any:
    return make_store(prod=make_tokens(1), other=make_tokens(2))


def test_a_logout_revokes_first_and_deletes_then(
    store: Any, make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-18, AUTH-22."""
    revoked: list[TokenSet] = []

    def revoke(tokens: TokenSet) -> bool:
        assert "delete" not in store.calls
        revoked.append(tokens)
        return True

    result = logout(store, "prod", revoke=revoke)
    assert result == LogoutResult(was_logged_in=True, is_revoked=True)
    assert revoked == [make_tokens(1)]
    assert store.kept == {"other": make_tokens(2)}


def test_a_logout_without_a_login_tells_so(store: Any) -> None:
    result = logout(store, "unknown", revoke=lambda tokens: pytest.fail("nothing to revoke"))
    assert result == LogoutResult(was_logged_in=False)


def test_what_the_provider_has_against_it_is_told_and_the_tokens_are_deleted(
    store: Any, make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-18."""

    def fail(tokens: TokenSet) -> bool:
        raise NetworkError("The provider does not answer.")

    result = logout(store, "prod", revoke=fail)
    expires_at = make_tokens(1).expires_at
    assert result == LogoutResult(
        was_logged_in=True, reason="The provider does not answer.", expires_at=expires_at
    )
    assert expires_at is not None
    assert "prod" not in store.kept


def test_a_provider_that_does_not_revoke_is_told_of(store: Any) -> None:
    """AUTH-18."""
    result = logout(store, "prod", revoke=lambda tokens: False)
    assert (result.is_revoked, result.reason) == (False, "The provider does not revoke tokens.")
    assert result.expires_at is not None


def test_a_slow_provider_costs_no_more_than_the_time_limit(store: Any) -> None:
    """AUTH-18."""
    go_on = threading.Event()
    started = time.monotonic()
    result = logout(store, "prod", revoke=lambda tokens: go_on.wait(60), time_limit_seconds=1.1)
    assert time.monotonic() - started < 5
    go_on.set()
    assert result.reason == "The provider did not answer in time."
    assert not result.is_revoked
    assert "prod" not in store.kept


def test_what_cannot_be_read_is_deleted(store: Any) -> None:
    """AUTH-18."""
    store.faults["load"] = CredentialStoreError("What is stored for 'prod' is damaged.")
    result = logout(store, "prod", revoke=lambda tokens: pytest.fail("nothing to revoke"))
    assert result == LogoutResult(
        was_logged_in=True, reason="What is stored for 'prod' is damaged."
    )
    assert "prod" not in store.kept


def test_what_cannot_be_deleted_is_an_error(store: Any) -> None:
    store.faults["delete"] = CredentialStoreError("The keyring does not answer.")
    with pytest.raises(CredentialStoreError):
        logout(store, "prod", revoke=lambda tokens: True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_tokens_are_deleted_whatever_is_raised(store: Any, error: type[BaseException]) -> None:
    def fail(tokens: TokenSet) -> bool:
        raise error

    with pytest.raises(error):
        logout(store, "prod", revoke=fail)
    assert "prod" not in store.kept


def test_after_a_logout_the_server_refuses_the_tokens_and_nothing_is_left(tmp_path: Path) -> None:
    """AUTH-18."""
    store = FileStore(tmp_path / "dagy" / "credentials.json")
    with FakeProvider() as provider:
        tokens = provider.new_tokens()
        store.save("prod", tokens)
        source = StoredTokenSource(store, "prod")
        assert fetch_identity(provider.me_url, source).email == provider.email
        assert logout(store, "prod") == LogoutResult(was_logged_in=True, is_revoked=True)
        assert not provider.accepts(tokens.access_token.reveal())
        kinds = [request.parameters["token"][:8] for request in provider.requests_to("/revoke")]
        assert kinds == ["dagy_rt_", "dagy_at_"]
        with pytest.raises(NotLoggedInError):
            fetch_identity(provider.me_url, source)
        assert provider.refresh_count == 0
    assert list((tmp_path / "dagy").iterdir()) == []


def test_a_provider_that_hangs_leaves_no_tokens_behind(tmp_path: Path) -> None:
    """AUTH-18."""
    store = FileStore(tmp_path / "dagy" / "credentials.json")
    with FakeProvider() as provider:
        store.save("prod", provider.new_tokens())
        provider.misbehave("/revoke", "slow")
        started = time.monotonic()
        result = logout(store, "prod", time_limit_seconds=1.5)
        assert time.monotonic() - started < 5
    assert (result.was_logged_in, result.is_revoked) == (True, False)
    assert result.reason
    assert list((tmp_path / "dagy").iterdir()) == []


@pytest.mark.parametrize("kind", ["html", "error_500", "drop", "truncated"])
def test_a_provider_that_misbehaves_stops_no_logout(tmp_path: Path, kind: Any) -> None:
    """AUTH-18."""
    store = FileStore(tmp_path / "credentials.json")
    with FakeProvider() as provider:
        store.save("prod", provider.new_tokens())
        provider.misbehave("/revoke", kind, times=9)
        result = logout(store, "prod")
        assert result.was_logged_in
        assert result.is_revoked or result.reason
        shown = f"{result}"
        assert not any(secret in shown for secret in provider.secrets)
    assert store.load("prod") is None
