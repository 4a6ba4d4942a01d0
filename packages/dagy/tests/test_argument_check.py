from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NewType, Optional, ParamSpec, Protocol, TypedDict, TypeVar

import pytest

from dagy._argument_check import ArgumentCheck
from dagy._call_signature import CallSignature
from dagy_types.errors import UsageError


class Readable(Protocol):
    def read(self) -> str: ...


Count = NewType("Count", int)
Free = TypeVar("Free")


class Limits(TypedDict):
    rows: int


@dataclass
class Settings:
    rows: int


def check(hint: Any, value: Any) -> None:
    def function(x, *args, **kwargs): ...  # type: ignore[no-untyped-def]

    function.__annotations__ = {"x": hint}
    ArgumentCheck("load", function, CallSignature(function)).require((value, "more"), {"other": 1})


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 3),
        (float, 3),
        (str, "x"),
        (list[int], ["only the list itself is looked at"]),
        (Optional[int], None),  # noqa: UP045  people write it
        (int | None, 3),
        (Literal["a", 1], "a"),
        (None, None),
        (Path, Path("x")),
        (Iterable[int], (1, 2)),
        (Any, object()),
        (object, 3),
        (Readable, 3),
        (Callable[[int], int], len),
        (Count, 3),
        (Free, object()),
        (ParamSpec("P"), 3),
        (Limits, {"only the dictionary itself": "is looked at"}),
        (Settings, Settings(1)),
        (int | Readable, "whatever: a protocol is not checked"),
    ],
)
def test_fitting_arguments_pass_and_so_does_what_cannot_be_checked(hint: Any, value: Any) -> None:
    check(hint, value)


@pytest.mark.parametrize(
    ("hint", "value", "told"),
    [
        (int, "3", "must be int; got '3' of type str"),
        (int, True, "must be int; got True of type bool"),
        (float, "1.0", "must be float"),
        (float, False, "must be float"),
        (str, None, "must be str; got None of type NoneType"),
        (list[int], (1,), r"must be list\[int\]; got \(1,\)"),
        (int | None, "x", r"must be int \| None"),
        (Literal["a", 1], True, "must be typing.Literal"),
        (Count, "3", "must be .*Count; got '3'"),
        (Limits, [], r"must be Limits; got \[\]"),
        (Path, "x" * 200, "must be Path; got 'xxx.*… of type str"),
    ],
)
def test_an_argument_of_another_type_is_told(hint: Any, value: Any, told: str) -> None:
    with pytest.raises(UsageError, match=rf"^Task 'load': parameter 'x' {told}"):
        check(hint, value)


def test_annotations_that_only_type_checkers_can_read_let_everything_through() -> None:
    def function(x: OnlyForTypeCheckers) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    ArgumentCheck("load", function, CallSignature(function)).require((3,), {})


def test_a_dictionary_in_place_of_a_dataclass_is_told_with_the_remedy() -> None:
    with pytest.raises(UsageError) as caught:
        check(Settings, {"rows": 1})
    assert caught.value.hint == "Pass Settings(**values), or set validate_parameters=False."
