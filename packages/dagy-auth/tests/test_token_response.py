from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_auth import Application, Provider, Secret, TokenSet
from dagy_auth._answer import Answer
from dagy_auth._token_response import expiry, point_in_time, with_tokens, without_tokens
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, DagyError

_NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
_HOUR = timedelta(hours=1)
_PROVIDER = Provider(
    issuer="https://login.example.com",
    token_endpoint="https://login.example.com/token",
    revocation_endpoint="https://login.example.com/revoke",
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
_NAMES = [
    "access_token",
    "token_type",
    "expires_in",
    "expires_at",
    "refresh_token",
    "scope",
    "id_token",
    "email",
]


def _answer(document: dict[str, Any], *, skew: float = 0.0) -> Answer:
    return Answer(
        host="login.example.com",
        status=200,
        document=document,
        content="a JSON object",
        sent_at=_NOON,
        clock_skew_seconds=skew,
    )


def _tokens(document: dict[str, Any], **options: Any) -> TokenSet:
    application = Application(client_id="tool", scopes=("runs",))
    asked = without_tokens(_PROVIDER, application, origin="https://api.example.com/v1")
    known = {"access_token": "dagy_at_1", "token_type": "bearer"}
    return with_tokens(asked, _answer({**known, **document}), **options)


@given(document=st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_no_answer_is_too_odd_to_read(document: dict[str, Any]) -> None:
    """AUTH-12"""
    try:
        tokens = _tokens(document)
    except DagyError as error:
        assert str(error).isprintable()
        assert error.hint
    else:
        assert tokens.access_token.reveal().isprintable()
        assert tokens.expires_at is None or tokens.expires_at > _NOON
        assert all(tokens.scopes)


def test_what_the_answer_tells_is_taken_and_the_rest_is_what_was_asked_for() -> None:
    assert _tokens({"expires_in": 3600, "refresh_token": "r"}) == TokenSet(
        access_token=Secret("dagy_at_1"),
        refresh_token=Secret("r"),
        origin="https://api.example.com:443",
        expires_at=_NOON + _HOUR,
        client_id="tool",
        scopes=("runs",),
        issuer="https://login.example.com",
        token_endpoint="https://login.example.com/token",
        revocation_endpoint="https://login.example.com/revoke",
    )
    assert _tokens({"scope": "runs logs"}).scopes == ("runs", "logs")
    assert _tokens({"scope": "runs \x1b[2J"}).scopes == ("runs",)


@pytest.mark.parametrize(
    ("document", "expires_at"),
    [
        ({"expires_in": 3600}, _NOON + _HOUR),
        ({"expires_in": "3600"}, _NOON + _HOUR),
        ({"expires_in": 3600.0, "expires_at": 0}, _NOON + _HOUR),
        ({"expires_at": 1_793_538_000}, _NOON + _HOUR),
        ({"expires_at": "1793538000"}, _NOON + _HOUR),
        ({"expires_at": "2026-11-01T13:00:00Z"}, _NOON + _HOUR),
        ({"expires_at": "2026-11-01T13:00:00.123456789Z"}, _NOON + _HOUR),
        ({"expires_at": "2026-11-01T14:00:00+01:00"}, _NOON + _HOUR),
        ({"expires_at": "2026-11-01 13:00:00"}, _NOON + _HOUR),
        ({}, None),
        ({"expires_in": None}, None),
        ({"expires_in": 0}, None),
        ({"expires_in": -5}, None),
        ({"expires_in": 10**12}, None),
        ({"expires_in": 10**400}, None),
        ({"expires_in": "soon"}, None),
        ({"expires_in": True}, None),
        ({"expires_in": [3600]}, None),
        ({"expires_in": float("nan")}, None),
        ({"expires_in": float("inf")}, None),
        ({"expires_at": 1_793_538_000_000}, None),
        ({"expires_at": "2001-01-01T00:00:00Z"}, None),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, None),
        ({"expires_at": {}}, None),
    ],
)
def test_how_long_a_token_is_good_is_read_in_each_shape(
    document: dict[str, Any], expires_at: datetime | None
) -> None:
    """AUTH-12: what is missing or absurd is unknown, and nothing fails for it."""
    assert expiry(document, sent_at=_NOON, clock_skew_seconds=0.0) == expires_at


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_point_in_time_is_by_the_clock_of_the_server(minutes: int) -> None:
    """AUTH-12: this machine's clock is off; a number of seconds is not touched by that."""
    skew = minutes * 60.0
    server_time = _NOON - timedelta(minutes=minutes)
    document = {"expires_at": (server_time + _HOUR).timestamp()}
    assert expiry(document, sent_at=_NOON, clock_skew_seconds=skew) == _NOON + _HOUR
    assert expiry({"expires_in": 60}, sent_at=_NOON, clock_skew_seconds=skew) == _NOON + _HOUR / 60


def test_the_end_of_time_is_no_expiry() -> None:
    last = datetime.max.replace(tzinfo=timezone.utc)
    assert expiry({"expires_in": 86_400}, sent_at=last, clock_skew_seconds=0.0) is None


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_an_expiry_is_in_utc_wherever_this_machine_is(hours: int) -> None:
    """AUTH-12"""
    sent_at = _NOON.astimezone(timezone(timedelta(hours=hours)))
    expires_at = expiry({"expires_in": 3600}, sent_at=sent_at, clock_skew_seconds=0.0)
    assert expires_at == _NOON + _HOUR
    assert expires_at.utcoffset() == timedelta(0)


@given(value=_JSON)
def test_no_time_is_too_odd_to_read(value: object) -> None:
    moment = point_in_time(value)
    assert moment is None or moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_one_in_any_case(kind: str) -> None:
    assert _tokens({"token_type": kind}).access_token == Secret("dagy_at_1")


@pytest.mark.parametrize("kind", ["mac", "DPoP", None, 7, ["bearer"]])
def test_a_token_of_another_kind_is_refused(kind: object) -> None:
    with pytest.raises(AuthError, match="only bearer tokens"):
        _tokens({"token_type": kind})


@pytest.mark.parametrize("token", [None, "", 7, ["x"]])
def test_an_answer_without_a_token_is_refused(token: object) -> None:
    with pytest.raises(AuthError, match="answered without an access token"):
        _tokens({"access_token": token})


def test_a_token_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(AuthError, match="no token has") as caught:
        _tokens({"access_token": "canary\r\nX-Injected: 1"})
    assert "canary" not in str(caught.value)


def test_who_has_logged_in_is_read_from_the_identity_token(provider: FakeProvider) -> None:
    id_token = provider.jwt({"sub": "user-7", "email": "seven@example.com"})
    tokens = _tokens({"id_token": id_token, "email": "other@example.com"})
    assert (tokens.subject, tokens.email) == ("user-7", "seven@example.com")
    assert _tokens({"email": "other@example.com"}).email == "other@example.com"
    assert _tokens({"access_token": provider.jwt({"email": "e"})}).email == "e"


def test_the_identity_of_another_login_is_refused(provider: FakeProvider) -> None:
    nonce = Secret("n-1")
    assert _tokens({"id_token": provider.jwt({"nonce": "n-1"})}, nonce=nonce)
    assert _tokens({"id_token": provider.jwt({})}, nonce=nonce)
    assert _tokens({}, nonce=nonce)
    with pytest.raises(AuthError, match="the identity of another login"):
        _tokens({"id_token": provider.jwt({"nonce": "n-2"})}, nonce=nonce)


def test_a_renewal_keeps_what_the_answer_does_not_tell() -> None:
    before = _tokens({"refresh_token": "r-1", "scope": "a b", "email": "e", "expires_in": 1})
    after = with_tokens(before, _answer({"access_token": "dagy_at_2"}, skew=5.0))
    assert after.refresh_token == Secret("r-1")
    assert (after.scopes, after.email, after.expires_at) == (("a", "b"), "e", None)
    assert (after.access_token, after.clock_skew_seconds) == (Secret("dagy_at_2"), 5.0)
