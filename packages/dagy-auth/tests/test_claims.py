from __future__ import annotations

import ast
import base64
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagy_auth
from dagy_auth import Secret
from dagy_auth._claims import claimed_expiry, claimed_text, read_claims

_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _jwt(claims: object) -> Secret:
    parts = (json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b"signature")
    return Secret(".".join(base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in parts))


@given(text=st.text() | st.text(alphabet="ab-_=.", max_size=30))
def test_no_text_is_too_odd_to_read(text: str) -> None:
    claims = read_claims(Secret(text))
    claimed_text(claims, "email")
    claimed_expiry(claims)


@given(content=st.binary(max_size=100))
def test_no_content_of_a_token_is_too_odd_to_read(content: bytes) -> None:
    read_claims(Secret(f"e30.{base64.urlsafe_b64encode(content).decode()}.x"))


@given(claims=st.dictionaries(st.sampled_from(["exp", "email", "sub"]), _JSON))
def test_what_is_not_a_text_or_a_time_is_left_out(claims: dict[str, Any]) -> None:
    read = read_claims(_jwt(claims))
    assert claimed_expiry(read) is None or isinstance(read["exp"], int | float)
    email = claimed_text(read, "email")
    assert email is None or email == claims["email"]


def test_the_claims_of_a_token_are_read() -> None:
    claims = read_claims(_jwt({"email": "ö@example.com", "exp": 1_800_000_000}))
    assert claimed_text(claims, "email") == "ö@example.com"
    assert claimed_expiry(claims) == datetime(2027, 1, 15, 8, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "token",
    [
        None,
        Secret(""),
        Secret("dagy_at_123"),
        Secret("a.b"),
        Secret("a.!!.c"),
        Secret(f"a.{'A' * 70_000}.c"),
        _jwt(["a list"]),
        Secret(f"a.{base64.urlsafe_b64encode(b'[' * 40_000).rstrip(b'=').decode()}.c"),
    ],
)
def test_what_is_no_token_has_no_claims(token: Secret | None) -> None:
    assert read_claims(token) == {}


@pytest.mark.parametrize("value", [None, True, "1800000000", 1e300, float("nan"), -1e18])
def test_a_time_that_is_none_is_unknown(value: object) -> None:
    assert claimed_expiry({"exp": value}) is None


@pytest.mark.parametrize("value", [None, 7, "", "two\nlines", "\x1b[31m", "x" * 400])
def test_a_text_that_cannot_be_shown_is_left_out(value: object) -> None:
    assert claimed_text({"email": value}, "email") is None


def test_unverified_claims_are_read_for_display_and_unknown_expiry_only() -> None:
    """AUTH-19: whoever else imports the reader is to think again."""
    package = Path(dagy_auth.__file__).parent
    readers = {
        path.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "dagy_auth._claims"
    }
    assert readers == {"_legacy_callback.py", "_static_token.py", "_token_response.py"}
