from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from traceback import TracebackException
from typing import Any

import pytest

from dagy_auth import MemoryStore, Secret, StoredTokenSource, TokenSet
from dagy_auth._notices import Notice, Warned
from dagy_auth.testing import FakeProvider
from dagy_types import TokenSource
from dagy_types.errors import (
    CredentialStoreError,
    DagyError,
    NetworkError,
    NotLoggedInError,
    TokenExpiredError,
)

URL = "https://api.example.com/runs"


class Provider:
    """Renews tokens as a provider that rotates: each refresh token is good once."""

    def __init__(self, make_tokens: Callable[..., TokenSet]) -> None:
        self._make_tokens = make_tokens
        self.asked_with: list[TokenSet] = []
        self.fault: DagyError | None = None
        self.lifetime_seconds: float | None = 3600

    def renew(self, tokens: TokenSet) -> TokenSet:
        self.asked_with.append(tokens)
        if self.fault is not None:
            raise self.fault
        return self._make_tokens(len(self.asked_with) + 1, seconds=self.lifetime_seconds)


@pytest.fixture
def provider(make_tokens: Callable[..., TokenSet]) -> Provider:
    return Provider(make_tokens)


@pytest.fixture
def store(make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]) -> Any:
    return make_store(prod=make_tokens())


@pytest.fixture
def make_source(store: Any, provider: Provider, hand_clock: Any) -> Callable[..., Any]:
    def make(**options: Any) -> StoredTokenSource:
        fields = {"renew": provider.renew, "now": hand_clock.now, "login_hint": "Run: tool login"}
        return StoredTokenSource(store, "prod", **{**fields, **options})

    return make


@pytest.fixture
def source(make_source: Callable[..., StoredTokenSource]) -> StoredTokenSource:
    return make_source()


def test_a_valid_token_costs_one_read_of_the_store_however_often_it_is_used(
    source: StoredTokenSource, store: Any
) -> None:
    """AUTH-24."""
    given: TokenSource = source
    assert {given.token(URL) for _ in range(5)} == {"canary-access-1"}
    assert store.calls == ["load"]


def test_a_source_that_is_not_used_does_not_touch_the_store(
    source: StoredTokenSource, store: Any
) -> None:
    """AUTH-24."""
    source.reject("unknown")
    assert store.calls == []


def test_no_other_origin_gets_the_token(source: StoredTokenSource) -> None:
    """AUTH-21."""
    for url in ("http://api.example.com/", "https://example.com/", "https://api.example.com:444/"):
        with pytest.raises(NotLoggedInError, match="login 'prod' is for https://api") as caught:
            source.token(url)
        assert caught.value.hint == "Run: tool login"


def test_with_an_origin_another_one_is_refused_before_the_store_is_read(
    make_source: Callable[..., StoredTokenSource], store: Any
) -> None:
    """AUTH-21."""
    with pytest.raises(NotLoggedInError):
        make_source(origin="https://other.example.com").token(URL)
    assert store.calls == []


def test_a_login_for_another_server_is_not_used_when_the_url_was_overridden(
    make_source: Callable[..., StoredTokenSource],
) -> None:
    """AUTH-21."""
    overridden = make_source(origin="https://staging.example.com/v1")
    with pytest.raises(NotLoggedInError, match=r"not for https://staging\.example\.com:443"):
        overridden.token("https://staging.example.com/v1/runs")


def test_without_a_login_the_hint_says_what_to_do(source: StoredTokenSource, store: Any) -> None:
    store.kept.clear()
    with pytest.raises(NotLoggedInError, match="There is no login 'prod'") as caught:
        source.token(URL)
    assert caught.value.hint == "Run: tool login"


def test_a_login_that_comes_later_is_found(
    source: StoredTokenSource, store: Any, make_tokens: Callable[..., TokenSet]
) -> None:
    store.kept.clear()
    with pytest.raises(NotLoggedInError):
        source.token(URL)
    store.kept["prod"] = make_tokens(5)
    assert source.token(URL) == "canary-access-5"


@pytest.mark.parametrize(("seconds", "token"), [(3539, 1), (3540, 2), (3601, 2)])
def test_a_token_is_renewed_a_minute_before_it_expires(
    source: StoredTokenSource, store: Any, hand_clock: Any, seconds: float, token: int
) -> None:
    """AUTH-12."""
    hand_clock.advance(seconds)
    assert source.token(URL) == f"canary-access-{token}"
    assert store.kept["prod"].access_token == Secret(f"canary-access-{token}")


def test_a_token_is_renewed_again_when_the_renewed_one_expires(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    for number in range(1, 5):
        assert source.token(URL) == source.token(URL) == f"canary-access-{number}"
        hand_clock.advance(3550)
    assert [each.access_token.reveal()[-1] for each in provider.asked_with] == ["1", "2", "3"]


def test_a_token_that_does_not_expire_is_never_renewed(
    source: StoredTokenSource,
    store: Any,
    provider: Provider,
    hand_clock: Any,
    make_tokens: Callable[..., TokenSet],
) -> None:
    """AUTH-12."""
    store.kept["prod"] = make_tokens(seconds=None)
    for _ in range(3):
        assert source.token(URL) == "canary-access-1"
        hand_clock.advance(10_000_000)
    assert provider.asked_with == []


def test_a_token_with_a_short_life_is_used_for_half_of_it(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    """AUTH-12."""
    provider.lifetime_seconds = 30
    hand_clock.advance(3600)
    assert source.token(URL) == "canary-access-2"
    hand_clock.advance(14)
    assert source.token(URL) == "canary-access-2"
    hand_clock.advance(1)
    assert source.token(URL) == "canary-access-3"


def test_a_token_that_is_expired_when_it_comes_is_not_given(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    """AUTH-20."""
    provider.lifetime_seconds = 0
    hand_clock.advance(3600)
    with pytest.raises(TokenExpiredError, match="expired at 2026-11-01 13:00:00 UTC"):
        source.token(URL)


def test_what_another_process_has_renewed_is_used(
    source: StoredTokenSource,
    store: Any,
    provider: Provider,
    hand_clock: Any,
    make_tokens: Callable[..., TokenSet],
) -> None:
    """AUTH-11."""
    source.token(URL)
    hand_clock.advance(3600)
    store.kept["prod"] = make_tokens(7, seconds=20)
    assert source.token(URL) == "canary-access-7"
    assert provider.asked_with == []


def test_what_another_process_has_renewed_long_ago_is_renewed_with_its_own_refresh_token(
    source: StoredTokenSource,
    store: Any,
    provider: Provider,
    hand_clock: Any,
    make_tokens: Callable[..., TokenSet],
) -> None:
    """AUTH-11."""
    source.token(URL)
    store.kept["prod"] = later = make_tokens(7)
    hand_clock.advance(3600)
    assert source.token(URL) == "canary-access-2"
    assert provider.asked_with == [later]


def test_a_login_to_another_server_in_between_is_not_used(
    source: StoredTokenSource,
    store: Any,
    hand_clock: Any,
    make_tokens: Callable[..., TokenSet],
) -> None:
    """AUTH-21."""
    source.token(URL)
    hand_clock.advance(3600)
    store.kept["prod"] = make_tokens(7, origin="https://other.example.com:443")
    with pytest.raises(NotLoggedInError, match="is for https://other"):
        source.token(URL)


def test_a_logout_in_between_ends_the_session(
    source: StoredTokenSource, store: Any, provider: Provider, hand_clock: Any
) -> None:
    source.token(URL)
    hand_clock.advance(3550)
    store.kept.clear()
    with pytest.raises(NotLoggedInError):
        source.token(URL)
    assert provider.asked_with == []


def test_a_logout_while_a_token_is_renewed_is_not_undone(
    make_source: Callable[..., StoredTokenSource],
    store: Any,
    hand_clock: Any,
    make_tokens: Callable[..., TokenSet],
) -> None:
    """AUTH-18."""

    def renew(tokens: TokenSet) -> TokenSet:
        store.kept.clear()
        return make_tokens(2)

    source = make_source(renew=renew)
    hand_clock.advance(3600)
    with pytest.raises(NotLoggedInError):
        source.token(URL)
    assert store.kept == {}


def test_while_the_provider_is_unreachable_a_valid_token_is_used_and_the_next_try_waits(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    provider.fault = NetworkError("The provider does not answer.")
    hand_clock.advance(3541)
    assert source.token(URL) == source.token(URL) == "canary-access-1"
    assert len(provider.asked_with) == 1
    hand_clock.advance(10)
    assert source.token(URL) == "canary-access-1"
    assert len(provider.asked_with) == 2
    hand_clock.advance(49)
    with pytest.raises(NetworkError, match="does not answer"):
        source.token(URL)
    provider.fault = None
    assert source.token(URL) == "canary-access-5"


def test_a_session_that_cannot_be_renewed_is_told_in_one_line_without_asking_again(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    """AUTH-20."""
    provider.fault = TokenExpiredError("The provider: invalid_grant.")
    hand_clock.advance(3600)
    for _ in range(3):
        with pytest.raises(TokenExpiredError) as caught:
            source.token(URL)
        assert caught.value.message == "The session 'prod' expired at 2026-11-01 13:00:00 UTC."
        assert caught.value.hint == "Run: tool login"
    assert len(provider.asked_with) == 1


def test_a_session_that_cannot_be_renewed_is_used_until_its_end(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    provider.fault = TokenExpiredError("The provider: invalid_grant.")
    hand_clock.advance(3541)
    for _ in range(5):
        assert source.token(URL) == "canary-access-1"
        hand_clock.advance(11)
    assert len(provider.asked_with) == 1
    hand_clock.advance(11)
    with pytest.raises(TokenExpiredError):
        source.token(URL)


def test_a_new_login_revives_a_session_that_has_ended(
    source: StoredTokenSource,
    store: Any,
    provider: Provider,
    hand_clock: Any,
    make_tokens: Callable[..., TokenSet],
) -> None:
    provider.fault = TokenExpiredError("The provider: invalid_grant.")
    hand_clock.advance(3600)
    with pytest.raises(TokenExpiredError):
        source.token(URL)
    store.kept["prod"] = make_tokens(9)
    assert source.token(URL) == "canary-access-9"


def test_tokens_that_cannot_be_stored_are_used_and_told_of(
    make_source: Callable[..., StoredTokenSource], store: Any, provider: Provider, hand_clock: Any
) -> None:
    """AUTH-08: nothing is written elsewhere either."""
    told: list[Notice] = []
    source = make_source(notify=told.append)
    source.token(URL)
    kept = dict(store.kept)
    store.faults["save"] = CredentialStoreError("The keyring does not answer.", hint="Unlock it.")
    hand_clock.advance(3600)
    assert source.token(URL) == source.token(URL) == "canary-access-2"
    message = "The renewed login 'prod' is not stored. The keyring does not answer."
    assert told == [Warned(message=message, hint="Unlock it.")]
    assert store.kept == kept
    hand_clock.advance(3600)
    assert source.token(URL) == "canary-access-3"
    assert provider.asked_with[1].refresh_token == Secret("canary-refresh-2")  # not the stored one
    del store.faults["save"]
    hand_clock.advance(3600)
    assert source.token(URL) == "canary-access-4"
    assert store.kept["prod"].refresh_token == Secret("canary-refresh-4")


def test_tokens_that_cannot_be_stored_are_used_when_nobody_listens_or_the_listener_fails(
    make_source: Callable[..., StoredTokenSource], store: Any, hand_clock: Any
) -> None:
    def fail(notice: Notice) -> None:
        raise BrokenPipeError

    store.faults["save"] = CredentialStoreError("The keyring does not answer.")
    hand_clock.advance(3600)
    source = make_source(notify=fail)
    with pytest.raises(BrokenPipeError):
        source.token(URL)
    assert source.token(URL) == "canary-access-2"
    assert make_source().token(URL) == "canary-access-3"


def test_a_store_that_does_not_work_is_not_worked_around(
    source: StoredTokenSource, store: Any, provider: Provider
) -> None:
    """AUTH-08."""
    store.faults["load"] = CredentialStoreError("The keyring does not answer.")
    with pytest.raises(CredentialStoreError):
        source.token(URL)
    assert provider.asked_with == []


@pytest.mark.parametrize("method", ["lock", "load"])
def test_a_store_that_fails_in_a_renewal_costs_nothing_while_the_token_is_valid(
    source: StoredTokenSource, store: Any, provider: Provider, hand_clock: Any, method: str
) -> None:
    """AUTH-08: for a refresh, too, nothing goes round the store."""
    source.token(URL)
    store.faults[method] = CredentialStoreError("The keyring does not answer.")
    hand_clock.advance(3550)
    assert source.token(URL) == "canary-access-1"
    hand_clock.advance(50)
    with pytest.raises(CredentialStoreError):
        source.token(URL)
    assert provider.asked_with == []


def test_a_refused_token_is_renewed_once_for_all_who_met_the_refusal(
    source: StoredTokenSource, provider: Provider
) -> None:
    first = source.token(URL)
    source.reject(first)
    assert source.token(URL) == "canary-access-2"
    source.reject(first)
    assert source.token(URL) == "canary-access-2"
    assert len(provider.asked_with) == 1


def test_when_the_renewed_token_is_refused_too_the_session_has_ended(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    source.reject(source.token(URL))
    source.reject(source.token(URL))
    for _ in range(2):
        with pytest.raises(TokenExpiredError) as caught:
            source.token(URL)
        assert caught.value.message == (
            "The session 'prod' is refused by https://api.example.com:443."
        )
        hand_clock.advance(100)
    assert len(provider.asked_with) == 1


def test_a_token_that_is_refused_after_a_while_is_renewed_again(
    source: StoredTokenSource, hand_clock: Any
) -> None:
    source.reject(source.token(URL))
    second = source.token(URL)
    hand_clock.advance(600)
    source.reject(second)
    assert source.token(URL) == "canary-access-3"


def test_a_refused_token_that_cannot_be_renewed_ends_the_session(
    source: StoredTokenSource, provider: Provider
) -> None:
    source.reject(source.token(URL))
    provider.fault = TokenExpiredError("There is no refresh token.")
    with pytest.raises(TokenExpiredError, match="is refused by"):
        source.token(URL)
    provider.fault = NetworkError("The provider does not answer.")
    with pytest.raises(TokenExpiredError, match="is refused by"):
        source.token(URL)


def test_a_refused_token_is_not_given_again_when_the_provider_is_unreachable(
    source: StoredTokenSource, provider: Provider
) -> None:
    source.reject(source.token(URL))
    provider.fault = NetworkError("The provider does not answer.")
    with pytest.raises(NetworkError):
        source.token(URL)


def test_what_was_refused_here_and_renewed_elsewhere_is_not_renewed_again(
    source: StoredTokenSource,
    store: Any,
    provider: Provider,
    make_tokens: Callable[..., TokenSet],
) -> None:
    """AUTH-11."""
    source.reject(source.token(URL))
    store.kept["prod"] = make_tokens(7)
    assert source.token(URL) == "canary-access-7"
    assert provider.asked_with == []


def test_twenty_threads_cause_one_renewal(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    """AUTH-11."""
    hand_clock.advance(3600)
    start = threading.Barrier(20)

    def ask(_: int) -> str:
        start.wait(30)
        return source.token(URL)

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(ask, range(20))) == {"canary-access-2"}
    assert len(provider.asked_with) == 1


def test_twenty_asyncio_tasks_cause_one_renewal(
    source: StoredTokenSource, provider: Provider, hand_clock: Any
) -> None:
    """AUTH-11."""
    hand_clock.advance(3600)

    async def ask() -> list[str]:
        return await asyncio.gather(*(source.token_async(URL) for _ in range(20)))

    assert set(asyncio.run(ask())) == {"canary-access-2"}
    assert len(provider.asked_with) == 1


def test_who_waits_for_a_renewal_that_fails_fails_with_it_instead_of_trying_in_turn(
    make_source: Callable[..., StoredTokenSource], hand_clock: Any
) -> None:
    renewing, go_on = threading.Event(), threading.Event()
    calls: list[TokenSet] = []

    def renew(tokens: TokenSet) -> TokenSet:
        calls.append(tokens)
        renewing.set()
        assert go_on.wait(30)
        raise NetworkError("The provider does not answer.", hint="Try again.")

    source = make_source(renew=renew)
    hand_clock.advance(3600)
    errors: list[NetworkError] = []

    def ask() -> None:
        with pytest.raises(NetworkError) as caught:
            source.token(URL)
        errors.append(caught.value)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    threads[0].start()
    assert renewing.wait(30)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: all(map(is_waiting, threads[1:])))
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(calls) == 1
    assert {(error.message, error.hint) for error in errors} == {
        ("The provider does not answer.", "Try again.")
    }
    assert len(set(map(id, errors))) == 5


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def is_waiting(thread: threading.Thread) -> bool:
    """Whether a thread has noted when it came, and waits for its turn."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and "asked_at" in frame.f_locals


def test_nothing_shows_a_token(source: StoredTokenSource, provider: Provider) -> None:
    """AUTH-06."""
    source.reject(source.token(URL))
    source.token(URL)
    assert "canary" not in f"{source!r}{source}{vars(source)}"


def test_sources_of_the_same_login_renew_it_once(
    make_source: Callable[..., StoredTokenSource], provider: Provider, hand_clock: Any
) -> None:
    """AUTH-11."""
    hand_clock.advance(3600)
    sources = [make_source() for _ in range(10)]
    with ThreadPoolExecutor(10) as threads:
        tokens = set(threads.map(lambda source: source.token(URL), sources))
    assert tokens == {"canary-access-2"}
    assert len(provider.asked_with) == 1


@pytest.mark.parametrize("offset_seconds", [-600, 0, 600])
def test_a_clock_that_is_off_leads_to_no_more_renewals_than_needed(offset_seconds: float) -> None:
    """AUTH-12."""
    store = MemoryStore()
    with FakeProvider() as fake:
        fake.clock_offset_seconds = offset_seconds
        store.save("prod", fake.new_tokens())
        fake.expire_tokens()
        source = StoredTokenSource(store, "prod")
        source.reject(source.token(fake.me_url))
        for _ in range(3):
            assert fake.accepts(source.token(fake.me_url))
        assert fake.accepts(StoredTokenSource(store, "prod").token(fake.me_url))
        assert fake.refresh_count == 1
    kept = store.load("prod")
    assert kept is not None
    assert kept.clock_skew_seconds == pytest.approx(-offset_seconds, abs=5)


@pytest.mark.parametrize("kind", ["html", "error_500", "unauthorized", "drop", "truncated"])
def test_a_provider_that_misbehaves_is_told_in_one_line_without_secrets(kind: Any) -> None:
    """AUTH-06."""
    store = MemoryStore()
    with FakeProvider() as fake:
        store.save("prod", fake.new_tokens())
        source = StoredTokenSource(store, "prod")
        source.reject(source.token(fake.me_url))
        fake.misbehave("/token", kind, times=5)
        with pytest.raises(DagyError) as caught:
            source.token(fake.me_url)
        told = TracebackException.from_exception(caught.value, capture_locals=True)
        text = "".join(told.format())
        assert caught.value.hint
        assert "\n" not in caught.value.message
        assert [secret for secret in fake.secrets if secret in text] == []
