from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, Optional, TypedDict, TypeVar

import pytest

from dagy._conversion import convert, parse, to_json
from dagy._mismatch import Mismatch

T = TypeVar("T")


@dataclass
class Source:
    url: str
    since: Optional[date] = None  # noqa: UP045


@dataclass(frozen=True)
class Settings:
    sources: list[Source]
    rows: int = 10
    computed: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.rows < 0:
            raise ValueError("rows from 0")


@dataclass
class Box(Generic[T]):
    content: T


@dataclass(init=False)
class Needy:
    x: int

    def __init__(self, *, y: int) -> None:
        self.x = y


@dataclass(eq=False)
class Unequal:
    x: int


@dataclass
class Broken:
    x: Missing  # type: ignore[name-defined]  # noqa: F821


class Limits(TypedDict):
    rows: int


class Loose(Limits, total=False):
    day: date


SETTINGS = Settings([Source("a", date(2026, 11, 1))], 3)
TEXT = '{"sources": [{"url": "a", "since": "2026-11-01"}], "rows": 3}'


def test_json_text_becomes_a_dataclass_field_by_field() -> None:
    assert parse(Settings, TEXT) == SETTINGS
    assert parse(Settings, '{"sources": []}') == Settings([])
    assert convert(Settings, SETTINGS) is SETTINGS
    assert convert(Box[int], {"content": 3}) == Box(3)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Settings, SETTINGS),
        (list[Source], [Source("b")]),
        (Optional[Source], Source("c")),  # noqa: UP045
        (Limits, {"rows": 3}),
        (Loose, {"rows": 3, "day": date(2026, 11, 1)}),
    ],
)
def test_the_recorded_form_comes_back_equal(hint: Any, value: Any) -> None:
    assert convert(hint, to_json(hint, value)) == value


@pytest.mark.parametrize(
    ("hint", "value", "told"),
    [
        (Settings, {}, "must be a Settings; it needs 'sources'; got {}"),
        (Source, {"url": 3}, "must be a Source; at url: must be text; got 3"),
        (
            Source,
            {"url": "a", "size": 3},
            "must be a Source; it has no 'size', only url, since; got {'url': 'a', 'size': 3}",
        ),
        (
            Settings,
            {"sources": [{}]},
            "must be a Settings; at sources: must be a Source; it needs 'url'; got {}",
        ),
        (
            Settings,
            {"sources": [], "rows": -1},
            "must be a Settings; making it raised ValueError('rows from 0')",
        ),
        (Settings, {"sources": [], "computed": 1}, "must be a Settings; it has no 'computed'"),
        (Source, ["a"], "must be a Source; got ['a']"),
        (Optional[Source], {}, "must be a Source; it needs 'url'; got {}"),  # noqa: UP045
        (Needy, {"x": 1}, "must be a Needy; making it raised TypeError"),
        (Limits, {}, "must be a Limits; it needs 'rows'; got {}"),
        (Limits, {"rows": "x"}, "must be a Limits; at rows: must be a whole number; got 'x'"),
        (Loose, [], "must be a Loose; got []"),
        (Broken, {"x": 1}, "is annotated as Broken, whose own annotations cannot be read"),
    ],
)
def test_a_misfit_names_the_field_what_it_must_be_and_what_it_was(
    hint: Any, value: Any, told: str
) -> None:
    with pytest.raises(Mismatch) as caught:
        convert(hint, value)
    assert str(caught.value).startswith(told)


def test_a_dataclass_that_cannot_be_compared_cannot_be_recorded() -> None:
    with pytest.raises(Mismatch, match="of type Unequal cannot be recorded"):
        to_json(Unequal, Unequal(1))
