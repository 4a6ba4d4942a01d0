from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy._call_signature import CallSignature


def plain(a: int, b: int, c: int = 3) -> None: ...
def starred(a: int, *rest: int) -> None: ...
def keyword_only(a: int, *, b: int, c: int = 3) -> None: ...
def optional_keyword(a: int = 1, *, b: int = 2) -> None: ...
def positional_only(a: int, /, b: int = 2, **more: int) -> None: ...
def nothing() -> None: ...


FUNCTIONS = [plain, starred, keyword_only, optional_keyword, positional_only, nothing]
calls = st.tuples(
    st.sampled_from(FUNCTIONS),
    st.lists(st.integers(), max_size=4).map(tuple),
    st.dictionaries(st.sampled_from("abcd"), st.integers(), max_size=3),
)


def bound(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except TypeError as error:
        return str(error)


@given(calls)
def test_a_call_is_judged_and_its_arguments_named_as_python_does(call: Any) -> None:
    function, args, kwargs = call
    signature, truth = CallSignature(function), inspect.signature(function)
    told = bound(lambda: signature.require(args, kwargs))
    expected = bound(lambda: truth.bind(*args, **kwargs).arguments)
    assert told == (expected if isinstance(expected, str) else None)
    assert bound(lambda: signature.named(args, kwargs)) == expected


def test_defaults_are_filled_in_where_asked_for() -> None:
    signature = CallSignature(plain)
    assert signature.named((1, 2), {}) == {"a": 1, "b": 2}
    assert signature.named((1, 2), {}, with_defaults=True) == {"a": 1, "b": 2, "c": 3}
    assert list(signature.parameters) == ["a", "b", "c"]


def test_a_wrong_call_says_what_is_wrong() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'b'"):
        CallSignature(plain).require((1,), {})
