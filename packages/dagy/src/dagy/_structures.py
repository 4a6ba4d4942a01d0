"""Dictionaries that stand for dataclasses, and typed dictionaries: each field of its own type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints, is_typeddict

from dagy._mismatch import Mismatch, mismatch, shown

Convert = Callable[[Any, Any], Any]


def is_structure(kind: Any) -> bool:
    """Tell whether a class is a dataclass or a typed dictionary."""
    return isinstance(kind, type) and (is_dataclass(kind) or is_typeddict(kind))


def structure(kind: Any, value: Any, convert: Convert) -> Any:
    """Return the instance of a dataclass, or the typed dictionary, that a dictionary stands for.

    Args:
        convert: Makes each field's value fit its annotation.

    Raises:
        Mismatch: Names the field, what it must be and what it was.
    """
    is_dictionary = is_typeddict(kind)  # no class that a value could be an instance of
    if not is_dictionary and isinstance(value, kind):
        return value
    if not isinstance(value, dict):
        raise mismatch(kind, value)
    if is_dictionary:
        return _fitted(kind, value, kind.__required_keys__, convert)
    declared = [each for each in fields(kind) if each.init]
    has_default = {
        each.name
        for each in declared
        if each.default is not MISSING or each.default_factory is not MISSING
    }
    names = [each.name for each in declared]
    required = [name for name in names if name not in has_default]
    fitted = _fitted(kind, value, required, convert, known=names)
    try:
        return kind(**fitted)
    except Exception as error:  # noqa: BLE001  __post_init__ is the author's, and raises anything
        raise Mismatch(
            f"must be a {kind.__name__}; making it raised {error!r}", is_inside=True
        ) from None


def _fitted(
    kind: Any,
    value: Mapping[str, Any],
    required: Iterable[str],
    convert: Convert,
    *,
    known: Iterable[str] | None = None,
) -> dict[str, Any]:
    hints = _hints(kind)
    names = list(hints if known is None else known)
    for name in required:
        if name not in value:
            raise _misfit(kind, f"it needs {name!r}; got {shown(value)}")
    fitted = {}
    for name, item in value.items():
        if name not in names:
            raise _misfit(kind, f"it has no {name!r}, only {', '.join(names)}; got {shown(value)}")
        try:
            fitted[name] = convert(hints[name], item)
        except Mismatch as misfit:
            raise _misfit(kind, f"at {name}: {misfit}") from None
    return fitted


def _misfit(kind: Any, what: str) -> Mismatch:
    return Mismatch(f"must be a {kind.__name__}; {what}", is_inside=True)


def _hints(kind: Any) -> dict[str, Any]:
    try:
        return get_type_hints(kind)
    except Exception as error:  # noqa: BLE001  an annotation can name what is not there
        raise Mismatch(
            f"is annotated as {kind.__name__}, whose own annotations cannot be read: {error}"
        ) from None
