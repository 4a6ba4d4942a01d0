"""Values that hold placeholders: what a task is called with before its inputs exist."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from dagy._task_output import TaskOutput

_ATOMS = frozenset({type(None), bool, int, float, str, bytes})


def rebuild(value: Any, replace: Callable[[TaskOutput], Any]) -> Any:
    """Return the value with new containers in which ``replace`` has taken the placeholders' place.

    Looks into lists, tuples, named tuples, sets, dictionaries and dataclasses. Anything else is
    kept as the same object.
    """
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is TaskOutput:
        return replace(value)
    if kind is list:
        return _rebuild_items(value, replace)
    if kind is dict:
        return dict(zip(value, _rebuild_items(value.values(), replace), strict=True))
    if kind in (tuple, set, frozenset):
        return kind(_rebuild_items(value, replace))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind(*(rebuild(item, replace) for item in value))
    if is_dataclass(value) and not isinstance(value, type):
        return _rebuild_dataclass(value, replace)
    return value


def _rebuild_items(values: Iterable[Any], replace: Callable[[TaskOutput], Any]) -> list[Any]:
    # Most items are placeholders or atoms, of which there may be many: a call for each would be a
    # good part of what a task costs.
    return [
        replace(item)
        if (kind := type(item)) is TaskOutput
        else item
        if kind in _ATOMS
        else rebuild(item, replace)
        for item in values
    ]


def _rebuild_dataclass(value: Any, replace: Callable[[TaskOutput], Any]) -> Any:
    # Not dataclasses.replace: it would run __post_init__ again, on placeholders.
    rebuilt = copy.copy(value)
    for field in fields(value):
        object.__setattr__(rebuilt, field.name, rebuild(getattr(value, field.name), replace))
    return rebuilt
