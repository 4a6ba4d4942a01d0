from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import FileStore, Identity, LoginResult, Secret, TokenSet, UnsavedTokensError, login
from dagy_types.errors import AuthError, CredentialStoreError, DagyError, NetworkError

IDENTITY = Identity(email="user@example.com", subject="user-1", roles=("developer",))


def test_the_result_is_what_the_store_keeps_and_the_server_says(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-04."""
    store = make_store()
    result = login(store, "prod", obtain=make_tokens, verify=lambda tokens: IDENTITY)
    kept = make_tokens(email="user@example.com", subject="user-1")
    assert result == LoginResult(kept, IDENTITY, "the memory of a test", is_encrypted=False)
    assert store.kept == {"prod": kept}
    assert store.calls == ["probe", "lock", "save", "load"]


def test_the_server_need_not_be_asked(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    result = login(make_store(), "prod", obtain=make_tokens)
    assert (result.tokens, result.identity) == (make_tokens(), None)


def test_what_the_provider_says_of_the_user_stays_when_the_server_says_nothing(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    tokens = make_tokens(email="user@example.com")
    result = login(make_store(), "prod", obtain=lambda: tokens, verify=lambda tokens: Identity())
    assert result.tokens == tokens


def test_no_flow_begins_when_the_store_does_not_work(make_store: Callable[..., Any]) -> None:
    """AUTH-03."""
    store = make_store()
    store.faults["probe"] = CredentialStoreError("The keyring does not answer.")
    with pytest.raises(CredentialStoreError, match="The keyring does not answer"):
        login(store, "prod", obtain=lambda: pytest.fail("the browser was opened"))


@pytest.mark.parametrize("method", ["lock", "save", "load"])
def test_tokens_that_the_store_does_not_take_are_handed_over(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet], method: str
) -> None:
    """AUTH-03."""
    store = make_store()
    store.faults[method] = CredentialStoreError("The keyring does not answer.")
    with pytest.raises(UnsavedTokensError) as caught:
        login(store, "prod", obtain=make_tokens)
    assert caught.value.message == (
        "The login 'prod' succeeded, but the memory of a test did not keep it: "
        "The keyring does not answer."
    )
    assert caught.value.hint == "Choose another store."
    other = make_store()
    other.save("prod", caught.value.tokens)
    assert other.load("prod") == make_tokens()


def test_a_store_that_takes_everything_and_gives_nothing_back_is_found_out(
    make_store: Callable[..., Any],
    make_tokens: Callable[..., TokenSet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AUTH-04."""
    for given_back in (None, make_tokens(9)):
        store = make_store()
        store.load = lambda name, given_back=given_back: given_back
        with pytest.raises(UnsavedTokensError, match="does not give back what it was given"):
            login(store, "prod", obtain=make_tokens)


def test_the_error_that_carries_tokens_shows_none_and_is_not_pickled(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-06."""
    store = make_store()
    store.faults["save"] = CredentialStoreError("The keyring does not answer.")
    with pytest.raises(UnsavedTokensError) as caught:
        login(store, "prod", obtain=make_tokens)
    error = caught.value
    assert "canary" not in f"{error!r}{error}{error.args}{vars(error)}"
    with pytest.raises(TypeError):
        pickle.dumps(error)


def test_tokens_that_the_server_refuses_replace_no_earlier_login(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-04."""
    store = make_store(prod=make_tokens(7))

    def refuse(tokens: TokenSet) -> Identity:
        raise AuthError("The server refuses the token.")

    with pytest.raises(AuthError, match="refuses"):
        login(store, "prod", obtain=make_tokens, verify=refuse)
    assert store.kept == {"prod": make_tokens(7)}


def test_tokens_are_not_lost_when_the_server_cannot_be_asked(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-03, AUTH-04: it is an error, and the tokens are there when the server is back."""
    store = make_store()

    def fail(tokens: TokenSet) -> Identity:
        raise NetworkError("The server does not answer.")

    with pytest.raises(NetworkError, match="does not answer"):
        login(store, "prod", obtain=make_tokens, verify=fail)
    assert store.kept == {"prod": make_tokens()}


def test_a_flow_that_fails_leaves_the_earlier_login(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    store = make_store(prod=make_tokens(7))

    def fail() -> TokenSet:
        raise AuthError("The user has refused.")

    with pytest.raises(DagyError, match="refused"):
        login(store, "prod", obtain=fail)
    assert store.kept == {"prod": make_tokens(7)}


def test_a_login_leaves_those_of_other_names_as_they_are(
    tmp_path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-22."""
    store = FileStore(tmp_path / "credentials.json")
    names = ["prod", "Prod", "team/prod", "../prod", "prod ", "größe", ""]
    for number, name in enumerate(names):
        login(store, name, obtain=lambda number=number: make_tokens(number))
    login(store, "prod", obtain=lambda: make_tokens(99))
    numbers = [99, *range(1, len(names))]
    for name, number in zip(names, numbers, strict=True):
        assert store.load(name) == make_tokens(number)


def test_logins_at_once_do_not_mix(tmp_path: Path, make_tokens: Callable[..., TokenSet]) -> None:
    """AUTH-14."""
    store = FileStore(tmp_path / "credentials.json")
    all_obtained = threading.Barrier(8)

    def log_in(number: int) -> LoginResult:
        def obtain() -> TokenSet:
            tokens = make_tokens(number)
            all_obtained.wait(30)
            return tokens

        name = "shared" if number % 2 else f"own-{number}"
        return login(store, name, obtain=obtain)

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(log_in, range(8)))
    assert [result.tokens for result in results] == [make_tokens(number) for number in range(8)]
    assert store.names() == ["own-0", "own-2", "own-4", "own-6", "shared"]
    for number in (0, 2, 4, 6):
        assert store.load(f"own-{number}") == make_tokens(number)
    shared = store.load("shared")
    assert shared in [make_tokens(number) for number in (1, 3, 5, 7)]


def test_the_result_shows_no_token(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-06."""
    result = login(make_store(), "prod", obtain=make_tokens)
    assert "canary" not in f"{result!r}{result}"
    assert result.tokens.access_token == Secret("canary-access-1")
