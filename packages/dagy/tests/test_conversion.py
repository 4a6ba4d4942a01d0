# ruff: noqa: UP007, UP045  both spellings of a union are annotations that people write
from __future__ import annotations

import math
import sys
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, ParamSpec, Protocol, TypeVar, Union
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy._conversion import convert, infer_hint, parse, to_json
from dagy._mismatch import Mismatch


class Colour(Enum):
    RED = "r"
    BLUE = "b"


Bounded = TypeVar("Bounded", bound=int)
Count = NewType("Count", int)
Free = TypeVar("Free")


class Readable(Protocol):
    def read(self) -> str: ...


NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

PARSED = [
    (str, "007", "007"),
    (int, "-3", -3),
    (float, "2", 2.0),
    (float, "1e3", 1000.0),
    (bool, "Yes", True),
    (bool, "0", False),
    (None, "null", None),
    (Optional[int], "none", None),
    (Optional[int], "4", 4),
    (int | str, "4", 4),
    (str | int, "4", 4),
    (str | int, "four", "four"),
    (Union[date, None], "2026-11-01", date(2026, 11, 1)),
    (Literal["full", 3], "3", 3),
    (Literal["full", 3], "full", "full"),
    (Colour, "RED", Colour.RED),
    (date, "2026-11-01", date(2026, 11, 1)),
    (datetime, "2026-11-01T12:00:00Z", NOON),
    (Path, "a/b", Path("a/b")),
    (Decimal, "0.10", Decimal("0.10")),
    (UUID, str(UUID(int=7)), UUID(int=7)),
    (list[int], "[1, 2]", [1, 2]),
    (list, '["a"]', ["a"]),
    (tuple[int, str], '[1, "a"]', (1, "a")),
    (tuple[date, ...], '["2026-11-01"]', (date(2026, 11, 1),)),
    (tuple, "[1]", (1,)),
    (set[int], "[1, 1]", {1}),
    (frozenset[int], "[1]", frozenset({1})),
    (dict[str, float], '{"a": 1}', {"a": 1.0}),
    (dict, "{}", {}),
    (Any, '{"a": 1}', {"a": 1}),
    (Any, "plain words", "plain words"),
]


@pytest.mark.parametrize(("hint", "text", "value"), PARSED)
def test_text_is_read_by_annotation(hint: Any, text: str, value: Any) -> None:
    parsed = parse(hint, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(("hint", "text", "value"), PARSED)
def test_what_was_read_comes_back_from_its_recorded_form(hint: Any, text: str, value: Any) -> None:
    recorded = convert(hint, to_json(hint, value))
    assert recorded == value
    assert type(recorded) is type(value)


@pytest.mark.parametrize(
    ("hint", "text", "expectation"),
    [
        (int, "1.5", "must be a whole number; got '1.5'"),
        (float, "nan", "must be a finite number; got nan"),
        (float, "x", "must be a finite number; got 'x'"),
        (bool, "maybe", "must be true or false; got 'maybe'"),
        (date, "1.11.2026", "must be a date such as 2026-11-01; got '1.11.2026'"),
        (Decimal, "x", "must be a decimal number; got 'x'"),
        (UUID, "x", "must be a UUID; got 'x'"),
        (None, "x", "must be none; got 'x'"),
        (Literal["full", 3], "4", "must be one of 'full', 3; got '4'"),
        (Colour, "GREEN", "must be one of RED, BLUE; got 'GREEN'"),
        (Optional[int], "x", "must be a whole number or none; got 'x'"),
        (list[int], "1,2", "must be list[int] as JSON; got '1,2'"),
        (list[int], '["a"]', "must be a whole number; got 'a'"),
        (dict[str, int], "[]", r"must be dict\[str, int\]; got \[\]"),
        (tuple[int, int], "[1]", r"must be tuple\[int, int\]; got \[1\]"),
        (bytes, '"x"', "must be a bytes; got 'x'"),
    ],
)
def test_text_that_does_not_fit_is_told_with_the_expectation(
    hint: Any, text: str, expectation: str
) -> None:
    with pytest.raises(Mismatch, match=expectation.replace("list[int]", r"list\[int\]")):
        parse(hint, text)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, True),
        (int, 1.0),
        (bool, 1),
        (str, 1),
        (date, NOON),
        (float, math.inf),
        (float, True),
        (list[int], (1,)),
        (set[int], {"a": 1}),
        (tuple[int], "a"),
        (dict[str, int], {1: 1}),
        (Literal[1], True),
        (Colour, "RED"),
        (int | None, "x"),
    ],
)
def test_a_value_of_another_type_does_not_fit(hint: Any, value: Any) -> None:
    with pytest.raises(Mismatch):
        convert(hint, value)


def test_values_of_the_type_pass_and_whole_numbers_are_floats_too() -> None:
    assert convert(Colour, Colour.RED) is Colour.RED
    assert convert(Path, Path("x")) == Path("x")
    assert convert(set[int], {1}) == {1}
    assert type(convert(float, 3)) is float


def test_an_annotation_of_no_known_kind_is_told() -> None:
    with pytest.raises(Mismatch, match="does not support"):
        convert(Literal["a"] | list[Any] if False else "not a type", 1)


def test_a_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(Mismatch, match=r"…$"):
        convert(int, "x" * 500)


def test_a_value_without_a_json_form_cannot_be_recorded() -> None:
    with pytest.raises(Mismatch, match="is a object, which a run cannot record"):
        to_json(Any, object())


def test_a_value_that_would_come_back_different_cannot_be_recorded() -> None:
    with pytest.raises(Mismatch, match="of type tuple cannot be recorded unless it is annotated"):
        to_json(Any, (1, 2))


@pytest.mark.parametrize(
    ("default", "hint"),
    [(3, int), ("a", str), (True, bool), (1.5, float), (Path("x"), Path), (NOON, datetime)],
)
def test_a_default_stands_for_a_missing_annotation(default: Any, hint: Any) -> None:
    assert infer_hint(default) is hint
    assert infer_hint([default]) is Any


@given(st.text())
def test_any_text_is_read_or_refused_by_every_annotation(text: str) -> None:
    for hint in {hint if hint is not Any else Any for hint, _, _ in PARSED if hint}:
        try:
            parse(hint, text)
        except Mismatch as mismatch:
            assert "must be" in str(mismatch)


@pytest.mark.parametrize(
    ("hint", "value"),
    [(Count, 3), (Annotated[int, "rows"], 3), (list[Count], [3]), (Bounded, 3), (Free, "x")],
)
def test_names_for_types_mean_the_type(hint: Any, value: Any) -> None:
    assert convert(hint, value) == value
    if hint is not Free:
        with pytest.raises(Mismatch, match="must be a whole number"):
            parse(hint, '["x"]')


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is newer")
def test_an_alias_means_what_it_stands_for() -> None:
    names: dict[str, Any] = {}
    exec("type Rows = int\ntype Table = list[Rows]", names)
    assert parse(names["Table"], "[1]") == [1]
    with pytest.raises(Mismatch, match="must be a whole number"):
        parse(names["Table"], '["x"]')


@pytest.mark.parametrize("hint", [ParamSpec("P"), Readable, "Text", 3])
def test_annotations_that_say_nothing_about_a_value_are_told(hint: Any) -> None:
    with pytest.raises(Mismatch, match="which Dagy does not support"):
        convert(hint, 1)


class Awkward:
    def __init__(self, text: str | None) -> None:
        self._text = text

    def __repr__(self) -> str:
        if self._text is None:
            raise ValueError
        return self._text


def test_a_value_whose_repr_is_long_in_lines_or_fails_is_told_in_one_line() -> None:
    with pytest.raises(Mismatch, match=r"got \[1 2\]$"):
        convert(int, Awkward("[1\n2]"))
    with pytest.raises(Mismatch, match=r"got a Awkward$"):
        convert(int, Awkward(None))
