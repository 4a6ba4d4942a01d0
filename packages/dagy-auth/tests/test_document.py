from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_auth import Secret, TokenSet
from dagy_auth._document import from_document, to_document
from dagy_types.errors import CredentialStoreError

_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_secrets = _texts.map(Secret)
_zones = st.sampled_from(
    [timezone.utc, timezone(timedelta(hours=-11)), timezone(timedelta(hours=5.75))]
)

_token_sets = st.builds(
    TokenSet,
    access_token=_secrets,
    origin=_texts,
    refresh_token=st.none() | _secrets,
    expires_at=st.none()
    | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_zones),
    client_id=st.text(st.characters(exclude_categories=["Cs"])),
    client_secret=st.none() | _secrets,
    scopes=st.lists(_texts).map(tuple),
    issuer=st.none() | _texts,
    resource=st.none() | _texts,
    token_endpoint=st.none() | _texts,
    revocation_endpoint=st.none() | _texts,
    email=st.none() | _texts,
    subject=st.none() | _texts,
    clock_skew_seconds=st.floats(allow_nan=False, allow_infinity=False),
)


@given(_token_sets)
def test_a_token_set_is_restored_exactly(tokens: TokenSet) -> None:
    assert from_document(to_document(tokens), place="X") == tokens


def test_what_this_release_does_not_know_is_left_out(make_tokens: Callable[..., TokenSet]) -> None:
    document = json.loads(to_document(make_tokens()).reveal()) | {"shoe_size": 43}
    assert from_document(Secret(json.dumps(document)), place="X") == make_tokens()


def test_only_what_is_needed_has_to_be_there() -> None:
    document = Secret('{"version": 1, "access_token": "a", "origin": "o"}')
    assert from_document(document, place="X") == TokenSet(access_token=Secret("a"), origin="o")


def test_a_document_is_a_secret(make_tokens: Callable[..., TokenSet]) -> None:
    assert repr(to_document(make_tokens())) == "Secret(***)"


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ["canary"]},
        {"origin": None},
        {"origin": 1},
        {"refresh_token": 1},
        {"email": {}},
        {"scopes": "a b"},
        {"scopes": [1]},
        {"clock_skew_seconds": "1"},
        {"clock_skew_seconds": float("inf")},
        {"clock_skew_seconds": True},
        {"expires_at_microseconds": 1.5},
        {"expires_at_microseconds": "2026-11-01"},
        {"expires_at_microseconds": 10**30},
    ],
)
def test_a_damaged_document_is_refused_and_not_shown(
    change: dict[str, Any],
    make_tokens: Callable[..., TokenSet],
    shown: Callable[[BaseException], str],
) -> None:
    """AUTH-06, for documents that are not what was written."""
    document = json.loads(to_document(make_tokens()).reveal()) | change
    text = Secret(
        json.dumps({name: value for name, value in document.items() if value is not None})
    )
    with pytest.raises(CredentialStoreError) as caught:
        from_document(text, place="What F has for 'a'")
    assert caught.value.message == "What F has for 'a' is damaged."
    assert caught.value.hint == "Log in again."
    assert "canary" not in shown(caught.value)


def test_a_newer_document_is_refused_and_not_shown(
    make_tokens: Callable[..., TokenSet], shown: Callable[[BaseException], str]
) -> None:
    document = json.loads(to_document(make_tokens()).reveal()) | {"version": 2}
    with pytest.raises(CredentialStoreError, match="newer version: format 2") as caught:
        from_document(Secret(json.dumps(document)), place="X")
    assert caught.value.hint == "Upgrade, or log in again."
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Pacific/Kiritimati"])
def test_an_expiry_is_the_same_moment_in_every_time_zone(zone: str) -> None:
    """AUTH-12"""
    document = (
        '{"version":1,"access_token":"a","origin":"o","expires_at_microseconds":1793534400000001}'
    )
    program = (
        "import sys; from dagy_auth import Secret; from dagy_auth._document import *\n"
        "tokens = from_document(Secret(sys.argv[1]), place='X')\n"
        "print(tokens.expires_at.isoformat(), 1793534400000001 in "
        "__import__('json').loads(to_document(tokens).reveal()).values())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, document],
        capture_output=True,
        text=True,
        timeout=60,
        env={"TZ": zone},
        check=True,
    )
    assert ended.stdout.split() == ["2026-11-01T12:00:00.000001+00:00", "True"]
