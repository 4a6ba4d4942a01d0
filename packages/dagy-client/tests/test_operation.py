from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_client import OPERATIONS, Operation
from dagy_client._operation import checked_key, expanded_path, query_text
from dagy_types.errors import UsageError

PUBLISHED = {
    "POST /auth/login",
    "POST /auth/logout",
    "GET /me",
    "GET /users/me",
    "GET /flows",
    "POST /flows",
    "GET /runs",
    "POST /runs",
    "POST /api-keys",
    "GET /api-keys",
    "DELETE /api-keys/{key_id}",
    "GET /health",
}


def test_the_published_endpoints_are_there() -> None:
    assert {f"{each.method} {each.path}" for each in OPERATIONS} >= PUBLISHED


def test_no_two_operations_have_one_endpoint() -> None:
    endpoints = [(each.method, each.path) for each in OPERATIONS]
    assert len(set(endpoints)) == len(endpoints)


def test_only_these_operations_may_not_be_repeated() -> None:
    """HTTP-02: all others that change something carry an idempotency key, or need none."""
    single = {each.name for each in OPERATIONS if not each.is_repeatable}
    assert single == {"login", "logout"}


def test_only_these_operations_need_no_token() -> None:
    assert {each.name for each in OPERATIONS if each.is_public} == {"login", "health"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_what_creates_has_a_key_and_says_created(operation: Operation[object]) -> None:
    assert operation.method in ("GET", "POST", "PUT", "DELETE")
    assert operation.status in (200, 201, 204)
    if operation.status == 201:
        assert operation.is_keyed or operation.method == "PUT"
    if operation.is_list:
        assert operation.method == "GET"


@given(st.text(min_size=1))
def test_a_value_stays_one_segment_of_the_path(value: str) -> None:
    if value in (".", ".."):
        return
    try:
        path = expanded_path("/flows/{name}/versions/{version}", {"name": value, "version": "1"})
    except UnicodeEncodeError:
        return  # a lone surrogate is no text
    assert path.count("/") == 4
    assert path.isascii()
    assert not {"?", "#", " ", "\\"} & set(path)


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_what_would_be_another_path_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="cannot be a run_id"):
        expanded_path("/runs/{run_id}", {"run_id": value})


def test_a_query_has_what_is_given() -> None:
    assert query_text({"a": "x y&z", "b": None, "c": 5}) == "?a=x+y%26z&c=5"
    assert query_text({"a": None}) == ""


def test_a_key_is_made_for_each_call_that_brings_none() -> None:
    assert checked_key("mine") == "mine"
    assert checked_key(None) != checked_key(None)


@pytest.mark.parametrize("key", ["", "a b", "a\n", "é", "x" * 256])
def test_a_key_that_cannot_be_sent_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="idempotency key"):
        checked_key(key)


def test_no_secret_has_a_place_in_a_url() -> None:
    """HTTP-12: the static part; only ids and names are in paths, only filters in queries."""
    in_paths = {name for each in OPERATIONS for name in re.findall(r"\{(\w+)\}", each.path)}
    assert in_paths == {"name", "version", "run_id", "artifact_id", "sha256", "key_id"}
    in_queries = {name for each in OPERATIONS for name in each.query}
    assert in_queries == {
        *("flow_name", "namespace", "status", "since", "task"),
        *("id_prefix", "order", "after"),
    }
