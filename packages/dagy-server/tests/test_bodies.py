from __future__ import annotations

import json
import time
from typing import Any

import pytest

from dagy_server.bodies import parse_json
from dagy_server.errors import InvalidFieldsError
from dagy_server.limits import BODY_BYTES, JSON_DEPTH, STRING_CHARACTERS
from dagy_types.errors import UsageError


def _nested(depth: int, leaf: Any = 1) -> Any:
    for _ in range(depth):
        leaf = [leaf]
    return leaf


def test_sec_04_json_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    assert parse_json(json.dumps(_nested(JSON_DEPTH)).encode())
    with pytest.raises(InvalidFieldsError, match=f"more than {JSON_DEPTH} deep") as refused:
        parse_json(json.dumps({"a": _nested(JSON_DEPTH)}).encode())
    assert refused.value.faults[0].path == "body.a" + ".0" * (JSON_DEPTH - 1)


def test_sec_04_json_far_too_deep_is_refused_at_once() -> None:
    begin = time.perf_counter()
    with pytest.raises(InvalidFieldsError):
        parse_json(b"[" * 1_000_000 + b"]" * 1_000_000)
    assert time.perf_counter() - begin < 0.2


def test_sec_04_a_text_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert parse_json(json.dumps({"a": "x" * STRING_CHARACTERS}).encode())
    for document in ({"a": ["x" * (STRING_CHARACTERS + 1)]}, {"x" * (STRING_CHARACTERS + 1): 1}):
        with pytest.raises(InvalidFieldsError, match="longer than 65536 characters"):
            parse_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "body", [b"{", b"", b"{'a': 1}", b'{"a": NaN}', b"[Infinity]", b"\xff", b'{"a": 1} x', b"nul"]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError):
        parse_json(body)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 5000])
def test_numbers_that_nobody_can_keep_are_refused(number: str) -> None:
    with pytest.raises(UsageError):
        parse_json(f'{{"a": {number}}}'.encode())


def test_half_a_surrogate_pair_in_a_key_can_be_named_in_the_answer() -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        parse_json(b'{"\\ud800": 1e999}')
    assert refused.value.faults[0].path.encode()


def _flow_of(size: int) -> bytes:
    empty = b'{"flow_spec": {"name": "daily"}}'
    return empty + b" " * (size - len(empty))


def test_sec_04_a_body_may_be_as_large_as_the_limit_and_no_larger(client: Any, owner: Any) -> None:
    headers = {**owner.headers, "Content-Type": "application/json"}
    assert client.post("/flows", content=_flow_of(BODY_BYTES), headers=headers).status_code == 201
    begin = time.perf_counter()
    refused = client.post("/flows", content=_flow_of(BODY_BYTES + 1), headers=headers)
    assert time.perf_counter() - begin < 0.2
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "too_large"


def test_sec_04_a_body_that_does_not_say_its_size_is_read_up_to_the_limit(
    client: Any, owner: Any
) -> None:
    sent = 0

    def parts() -> Any:
        nonlocal sent
        for _ in range(200):
            sent += 64 * 1024
            yield b" " * (64 * 1024)

    headers = {**owner.headers, "Content-Type": "application/json"}
    assert client.post("/flows", content=parts(), headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "usage"),
        (b"[]", "application/json", 422, "invalid_fields"),
        (b"null", "application/json", 422, "invalid_fields"),
        (b'"x"', "application/json", 422, "invalid_fields"),
        (b"", "application/json", 422, "invalid_fields"),
        (b'{"name": "x"}', "text/plain", 415, "media_type"),
        (b'{"name": "x"}', "application/x-www-form-urlencoded", 415, "media_type"),
        (b'{"name": "x"}', "", 415, "media_type"),
        (b'{"name": "\xff"}', "application/json", 400, "usage"),
    ],
)
def test_bad_bodies_get_a_clear_answer(
    client: Any, owner: Any, content: bytes, media_type: str, status: int, code: str
) -> None:
    headers = {**owner.headers, "Content-Type": media_type}
    answer = client.post("/api-keys", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["hint"]


def test_a_content_type_may_have_a_charset_and_capitals(client: Any, owner: Any) -> None:
    headers = {**owner.headers, "Content-Type": "Application/JSON; charset=utf-8"}
    answer = client.post("/api-keys", content=b'{"name": "x"}', headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("announced", ["-1", "x", "9" * 30])
def test_a_strange_content_length_is_no_way_around_the_limit(
    client: Any, owner: Any, announced: str
) -> None:
    headers = {
        **owner.headers,
        "Content-Type": "application/json",
        "Content-Length": announced,
    }
    answer = client.post("/flows", content=_flow_of(BODY_BYTES + 1), headers=headers)
    assert answer.status_code == 413
