"""Values of annotated types, to and from text and JSON.

One table per direction; a type is supported when it is in them. Containers, dataclasses and
pydantic's models are given as JSON.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from dagy._mismatch import Mismatch, describe, mismatch
from dagy._models import is_model_class, model_to_json, validated
from dagy._structures import is_structure, structure
from dagy._type_names import DECIMAL, UUID, full_name

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_NONE = frozenset({"none", "null"})


def parse(hint: Any, text: str) -> Any:
    """Return the value that a text, as typed on a command line, has for an annotation.

    Raises:
        Mismatch: When the text is no such value.
    """
    hint = bare(hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _first_that_fits(parse, _text_last(get_args(hint)), hint, text)
    if origin is Literal:
        return _choose(hint, text, get_args(hint), key=str)
    if hint is str:
        return text
    if hint is bool:
        return _parse_bool(text)
    if hint in (None, type(None)):
        if text.lower() in _NONE:
            return None
        raise mismatch(hint, text)
    if hint in (int, float):
        return convert(hint, _number(hint, text))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choose(hint, text, list(hint), key=lambda member: member.name)
    if _reader_of(hint) is not None:
        return convert(hint, text)
    try:
        return convert(hint, json.loads(text))
    except ValueError:
        if hint is Any:
            return text
        raise mismatch(hint, text, " as JSON") from None


def convert(hint: Any, value: Any) -> Any:
    """Return the value if it is of the annotated type, or what its JSON form stands for.

    Raises:
        Mismatch: When it is neither.
    """
    hint = bare(hint)
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _first_that_fits(convert, arguments, hint, value)
    if origin is Literal:
        return _choose(hint, value, arguments, key=lambda choice: choice)
    if origin in (None, type(None)):
        if value is None:
            return None
        raise mismatch(hint, value)
    if origin is float and type(value) in (int, float):
        if math.isfinite(value):
            return float(value)
        raise mismatch(hint, value)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](hint, arguments, value)
    if not isinstance(origin, type) or getattr(origin, "_is_protocol", False):
        raise Mismatch(f"is annotated as {describe(hint)}, which Dagy does not support")
    if is_structure(origin):
        return structure(origin, value, convert)
    if isinstance(value, origin) and not _is_false_kinship(origin, value):
        return value
    if is_model_class(origin):
        return validated(origin, value)
    if issubclass(origin, Enum):
        return _choose(hint, value, list(origin), key=lambda member: member.value)
    read = _reader_of(origin)
    if read is not None and isinstance(value, str):
        try:
            return read(value)
        except (ValueError, ArithmeticError):
            raise mismatch(hint, value) from None
    raise mismatch(hint, value)


def bare(hint: Any) -> Any:
    """Return the type behind names that were given to it, and what type variables stand for."""
    while True:
        if isinstance(hint, TypeVar):
            return hint.__bound__ or Any
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        # A NewType, or an alias of the type statement.
        names = ("__supertype__", "__value__") if type(hint).__module__ == "typing" else ()
        named = next((getattr(hint, name) for name in names if hasattr(hint, name)), None)
        if named is None:
            return hint
        hint = named


def to_json(hint: Any, value: Any) -> Any:
    """Return the JSON form of a value of the annotated type.

    Raises:
        Mismatch: When `convert` would not make an equal value of it.
    """
    document = _plain(value)
    if convert(hint, document) != value:
        raise Mismatch(
            f"of type {type(value).__name__} cannot be recorded unless it is annotated with a type "
            "that Dagy knows"
        )
    return document


def infer_hint(default: Any) -> Any:
    """Return the annotation that a default value stands for, where there is none."""
    kind = type(default)
    if kind in (str, int, float, bool):
        return kind
    return next((each for each in kind.__mro__ if _reader_of(each) is not None), Any)


def _plain(value: Any) -> Any:
    if value is None or (
        isinstance(value, (str, bool, int, float)) and not isinstance(value, Enum)
    ):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if _reader_of(infer_hint(value)) is not None:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if is_model_class(type(value)):
        return model_to_json(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.init}
    raise Mismatch(
        f"is a {type(value).__name__}, which a run cannot record; "
        "pass a path or a name, and load it in a task"
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 reads no Z


_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    datetime: _moment,
    date: date.fromisoformat,
    Path: Path,
}
_FROM_TEXT_BY_THEMSELVES = frozenset({DECIMAL, UUID})


def _reader_of(hint: Any) -> Callable[[str], Any] | None:
    """Return what makes a value of a type of its text, if there is something."""
    if isinstance(hint, type) and full_name(hint) in _FROM_TEXT_BY_THEMSELVES:
        return hint
    return _FROM_TEXT.get(hint)


def _is_false_kinship(hint: type, value: Any) -> bool:
    """Whether Python calls the value an instance, and people would not."""
    is_flag_as_number = isinstance(value, bool) and hint is int
    is_moment_as_day = isinstance(value, datetime) and hint is date
    return is_flag_as_number or is_moment_as_day


def _first_that_fits(
    fit: Callable[[Any, Any], Any], hints: Sequence[Any], union: Any, value: Any
) -> Any:
    inside = []
    for hint in hints:
        try:
            return fit(hint, value)
        except Mismatch as misfit:
            if misfit.is_inside:
                inside.append(misfit)
    # The one member that the value nearly is says more than a list of all.
    raise inside[0] if len(inside) == 1 else mismatch(union, value)


def _text_last(hints: Sequence[Any]) -> list[Any]:
    """Order a union so that ``str``, which any text fits, gets it only when nothing else does."""
    return sorted(hints, key=lambda hint: hint in (str, Any, Path))


def _choose(hint: Any, value: Any, choices: Sequence[Any], *, key: Callable[[Any], Any]) -> Any:
    for choice in choices:
        known = key(choice)
        if type(known) is type(value) and known == value:
            return choice
    raise mismatch(hint, value)


def _parse_bool(text: str) -> bool:
    word = text.lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise mismatch(bool, text)


def _number(hint: Any, text: str) -> int | float:
    try:
        return int(text) if hint is int else float(text)
    except ValueError:
        raise mismatch(hint, text) from None


def _convert_list(hint: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    item = arguments[0] if arguments else Any
    if not isinstance(value, list):
        raise mismatch(hint, value)
    return [convert(item, each) for each in value]


def _convert_tuple(hint: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise mismatch(hint, value)
    if not arguments:
        return tuple(value)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(convert(arguments[0], each) for each in value)
    if len(arguments) != len(value):
        raise mismatch(hint, value)
    return tuple(convert(item, each) for item, each in zip(arguments, value, strict=True))


def _convert_set(hint: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    item = arguments[0] if arguments else Any
    kind: Any = get_origin(hint) or hint
    if not isinstance(value, (list, set, frozenset)):
        raise mismatch(hint, value)
    return kind(convert(item, each) for each in value)


def _convert_dict(hint: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    key, item = arguments or (Any, Any)
    if not isinstance(value, dict):
        raise mismatch(hint, value)
    return {convert(key, name): convert(item, each) for name, each in value.items()}


_CONTAINERS: dict[Any, Callable[[Any, tuple[Any, ...], Any], Any]] = {
    list: _convert_list,
    tuple: _convert_tuple,
    set: _convert_set,
    frozenset: _convert_set,
    dict: _convert_dict,
}
