"""What is said of a value that does not fit its annotation."""

from __future__ import annotations

import types
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from dagy._type_names import DECIMAL, full_name


class Mismatch(Exception):  # noqa: N818  a finding, turned into an error by who knows the name
    """A value does not fit; the text goes on from "parameter 'x' ".

    Attributes:
        is_inside: Whether the text is about one field of a value that fits otherwise.
    """

    def __init__(self, text: str, *, is_inside: bool = False) -> None:
        super().__init__(text)
        self.is_inside = is_inside


def mismatch(hint: Any, value: Any, form: str = "") -> Mismatch:
    """Return the finding that a value is not what an annotation asks for, in this form."""
    return Mismatch(f"must be {describe(hint)}{form}; got {shown(value)}")


def shown(value: Any) -> str:
    """Return a value as messages show it: its repr, in one line of bounded length."""
    try:
        text = " ".join(repr(value).split("\n"))
    except Exception:  # noqa: BLE001  the message is about the value, not about its repr
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"


def describe(hint: Any) -> str:
    """Return what an annotation asks for, in words."""
    if hint in _DESCRIPTIONS:
        return _DESCRIPTIONS[hint]
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(each) for each in get_args(hint))
    if origin is Literal:
        return "one of " + ", ".join(repr(each) for each in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(member.name for member in hint)
    if isinstance(hint, type) and origin is None:
        return "a decimal number" if full_name(hint) == DECIMAL else f"a {hint.__name__}"
    return str(hint).replace("typing.", "")


_DESCRIPTIONS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    None: "none",
    type(None): "none",
    date: "a date such as 2026-11-01",
    datetime: "a time such as 2026-11-01T06:30:00+00:00",
    Path: "a path",
}
