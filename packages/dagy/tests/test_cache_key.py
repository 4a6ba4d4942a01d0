from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy._cache_key import cache_key

ARGUMENTS = {"day": ("json", b'"2026-11-01"'), "rows": ("json", b"[1,2]")}
# Few letters, so that different calls often have the same letters in the same order.
TEXTS = st.text("ab:", max_size=3)
CALLS = st.tuples(
    TEXTS,
    st.none() | st.text("ab", min_size=1, max_size=2),
    st.dictionaries(TEXTS, st.tuples(TEXTS, st.binary(max_size=3)), max_size=3),
)


@given(CALLS, CALLS)
def test_two_calls_have_the_same_key_only_if_they_are_the_same(first: tuple, second: tuple) -> None:
    assert (cache_key(*first) == cache_key(*second)) is (first == second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("t", "ab", {}), ("ta", "b", {})),
        (("t", None, {"a": ("b", b"")}), ("t", None, {"ab": ("", b"")})),
        (("t", None, {"a": ("j", b"1b")}), ("t", None, {"a": ("j1", b"b")})),
        (("t", None, {"a": ("", b""), "b": ("", b"")}), ("t", None, {"a": ("", b"b")})),
        (("t", "a", {}), ("t", None, {"a": ("", b"")})),
    ],
)
def test_letters_that_move_to_the_next_field_make_another_key(first: tuple, second: tuple) -> None:
    assert cache_key(*first) != cache_key(*second)


def test_the_order_in_which_arguments_are_given_makes_no_difference() -> None:
    reordered = dict(reversed(ARGUMENTS.items()))
    assert cache_key("etl:load", "c0de", reordered) == cache_key("etl:load", "c0de", ARGUMENTS)


def test_the_recipe_is_the_documented_one() -> None:
    fields = [b"dagy-cache-1", b"etl:load", b"c0de"]
    fields += [b"day", b"json", b'"2026-11-01"', b"rows", b"json", b"[1,2]"]
    content = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    assert cache_key("etl:load", "c0de", ARGUMENTS) == hashlib.sha256(content).hexdigest()


def test_the_key_of_an_earlier_release_is_still_the_same() -> None:
    # A change here means that nobody's cache is found any more: then the recipe needs a new name.
    assert cache_key("etl:load", "c0de", ARGUMENTS) == (
        "b63fd96a32b0f24825f5fff76b8f25ec0c6d4ca2e5d88c270179671b2f55447e"
    )
