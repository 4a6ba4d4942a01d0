from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_auth import Secret
from dagy_auth._answer import (
    Answer,
    read_document,
    refusal_in,
    refusal_of,
    require_available,
    require_success,
    shown,
)
from dagy_types.errors import AuthError, NetworkError


def _answer(status: int = 200, **fields: Any) -> Answer:
    known: dict[str, Any] = {
        "host": "login.example.com",
        "status": status,
        "document": {},
        "content": "a JSON object",
        "sent_at": datetime(2026, 11, 1, tzinfo=timezone.utc),
    }
    return Answer(**{**known, **fields})


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        (b'{"a": 1}', "text/plain", "a JSON object"),
        (b"", "application/json", "nothing"),
        (b" \n", "application/json", "nothing"),
        (b"<p>Hello", "Text/HTML; charset=utf-8", "an HTML page"),
        (b" <!DOCTYPE html>", "", "an HTML page"),
        (b"[1]", "application/json", "no JSON object"),
        (b'{"a": ', "application/json", "no whole JSON"),
        (b"[" * 200_000, "application/json", "no whole JSON"),
        (b"\xff\xfe\xfd", "application/json", "no whole JSON"),
    ],
)
def test_a_body_is_named_for_what_it_is(body: bytes, content_type: str, content: str) -> None:
    document, found = read_document(body, content_type=content_type)
    assert found == content
    assert (document is not None) == (content == "a JSON object")


@given(body=st.binary(), content_type=st.text())
def test_no_body_is_too_odd_to_read(body: bytes, content_type: str) -> None:
    read_document(body, content_type=content_type)


def test_a_refusal_is_shown_without_what_was_sent() -> None:
    document = {"error": "invalid_grant", "error_description": "No such token: canary\x1b[2J\n"}
    assert refusal_in(document, secrets=[Secret("canary"), Secret("")]) == (
        "invalid_grant",
        "No such token: ***\\x1b[2J\\n",
    )


@pytest.mark.parametrize("document", [None, {}, {"error": None}, {"error": ["x"]}])
def test_what_names_no_error_is_no_refusal(document: dict[str, Any] | None) -> None:
    assert refusal_in(document, secrets=[]) == ("", "")


@given(text=st.text())
def test_what_is_shown_is_one_short_printable_line(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 3000


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (_answer(502), NetworkError, "login.example.com is not available (status 502)."),
        (
            _answer(503, error="temporarily_unavailable"),
            NetworkError,
            "login.example.com is not available (status 503): temporarily_unavailable.",
        ),
        (_answer(429), NetworkError, "login.example.com is not available (status 429)."),
        (
            _answer(302),
            AuthError,
            "login.example.com redirects to another place, which is not followed (status 302).",
        ),
        (
            _answer(400, error="invalid_grant", description="It is spent"),
            AuthError,
            "login.example.com refuses: invalid_grant: It is spent.",
        ),
        (_answer(200, error="oops"), AuthError, "login.example.com refuses: oops."),
        (
            _answer(404, document=None, content="an HTML page"),
            AuthError,
            "login.example.com refuses with status 404 and an HTML page.",
        ),
        (
            _answer(document=None, content="an HTML page"),
            AuthError,
            "login.example.com answered with an HTML page where a JSON object was expected.",
        ),
    ],
)
def test_what_is_no_success_is_an_error_of_one_line(
    answer: Answer, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        require_success(answer)
    assert str(caught.value) == message
    assert caught.value.hint  # type: ignore[attr-defined]  # Both kinds have it.


def test_a_success_is_none() -> None:
    assert refusal_of(_answer()) is None
    require_success(_answer())


def test_only_what_may_get_better_is_no_refusal() -> None:
    require_available(_answer(400, error="invalid_grant"))
    with pytest.raises(NetworkError):
        require_available(_answer(500))


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("invalid_client", "Check the client id and the client secret."),
        ("invalid_scope", "Check the scopes that are asked for."),
        ("invalid_grant", "Log in again."),
    ],
)
def test_the_hint_is_about_the_error(error: str, hint: str) -> None:
    refusal = refusal_of(_answer(400, error=error))
    assert refusal is not None
    assert refusal.hint == hint


def test_the_content_of_an_answer_is_not_seen() -> None:
    """AUTH-06"""
    answer = _answer(document={"access_token": "canary"})
    assert "canary" not in repr(answer)
