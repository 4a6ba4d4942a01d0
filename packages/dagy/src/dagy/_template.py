"""Values that hold placeholders: what a task is called with before its inputs exist."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from dagy._task_output import TaskOutput

_ATOMS = frozenset({type(None), bool, int, float, str, bytes})


def is_flat(values: Iterable[Any]) -> bool:
    """Tell whether all are placeholders or immutable: nothing in them needs a copy."""
    return all(type(value) is TaskOutput or type(value) in _ATOMS for value in values)


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
        return [rebuild(item, replace) for item in value]
    if kind is dict:
        return {key: rebuild(item, replace) for key, item in value.items()}
    if kind in (tuple, set, frozenset):
        return kind(rebuild(item, replace) for item in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind(*(rebuild(item, replace) for item in value))
    if is_dataclass(value) and not isinstance(value, type):
        return _rebuild_dataclass(value, replace)
    return value


def _rebuild_dataclass(value: Any, replace: Callable[[TaskOutput], Any]) -> Any:
    # Not dataclasses.replace: it would run __post_init__ again, on placeholders.
    rebuilt = copy.copy(value)
    for field in fields(value):
        object.__setattr__(rebuilt, field.name, rebuild(getattr(value, field.name), replace))
    return rebuilt
