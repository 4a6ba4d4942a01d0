"""The default serializer: JSON with typed extensions, exact or refused.

JSON's own types are written as they are. Anything else becomes an object with a single key that
begins with ``$`` and names the type: ``{"$tuple": [1, 2]}``. What cannot be restored exactly, a
subclass of ``dict`` for instance, is refused when it is written, not found out when it is read.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from importlib import import_module
from io import IOBase
from pathlib import Path
from typing import Any

from dagy._models import is_model_class, model_from_state, model_state
from dagy._type_names import DECIMAL, UUID, full_name
from dagy_types.errors import ArtifactError

_AS_IS = frozenset({type(None), bool, int, str})
_PATH = type(Path())


class JsonSerializer:
    """Writes values as JSON; see the module for the form."""

    name = "json"

    def encode(self, value: Any) -> bytes:
        """Return the JSON text of a value, in ASCII.

        Raises:
            ArtifactError: When `decode` could not restore the value exactly.
        """
        write = _PLAIN_WRITERS.get(type(value))
        try:
            text = _encode(_to_json(value)) if write is None else write(value)
            return text.encode("ascii")
        except RecursionError:
            raise ArtifactError(
                "The value contains itself, or is nested too deeply, so JSON cannot hold it.",
                hint="Return flat data.",
            ) from None
        except ValueError as error:  # an int of more digits than Python converts
            raise ArtifactError(f"The value cannot be written as JSON: {error}.") from error

    def decode(self, data: bytes) -> Any:
        """Return a new copy of the value that was encoded.

        Raises:
            ArtifactError: When the bytes are not what `encode` wrote, or name a class that is gone.
        """
        try:
            text = data.decode("ascii")
            value, end = _scan(text, 0)
        except StopIteration:
            raise ArtifactError("A recorded output cannot be restored: it is not JSON.") from None
        except (ValueError, KeyError, TypeError, ArithmeticError, ImportError, AttributeError) as e:
            raise ArtifactError(f"A recorded output cannot be restored: {e!r}.") from e
        if end != len(text):  # there is no white space in what `encode` wrote
            raise ArtifactError("A recorded output cannot be restored: something follows the JSON.")
        return value


def _to_json(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_IS:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        return [_to_json(item) for item in value]
    if kind is dict:
        return _dict_to_json(value)
    writer = _WRITERS.get(kind) or _WRITERS_BY_NAME.get(full_name(kind))
    if writer is not None:
        return writer(value)
    if isinstance(value, Enum):
        return {"$enum": [_class_name(value), value.name]}
    if is_dataclass(value) and not isinstance(value, type):
        return _dataclass_to_json(value)
    if is_model_class(kind):
        return {"$model": [_class_name(value), _to_json(model_state(value))]}
    raise _refusal(value)


def _dict_to_json(value: dict[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: _to_json(item) for key, item in value.items()}
    return {"$dict": [[_to_json(key), _to_json(item)] for key, item in value.items()]}


def _in_one_order(value: set[Any] | frozenset[Any]) -> list[Any]:
    # Equal sets have equal text in every process, so that an output is found by its inputs.
    return sorted(map(_to_json, value), key=json.dumps)


def _dataclass_to_json(value: Any) -> dict[str, Any]:
    content = {field.name: getattr(value, field.name) for field in fields(value)}
    if not getattr(value, "__dict__", {}).keys() <= content.keys():
        raise _refusal(value)  # it carries more than its fields
    return {"$dataclass": [_class_name(value), _dict_to_json(content)]}


def _datetime_to_json(value: datetime) -> dict[str, Any]:
    zone = value.tzinfo
    if zone is None or type(zone) is timezone:
        return {"$datetime": [value.isoformat(), None, value.fold]}
    key = getattr(zone, "key", None)
    if type(zone).__module__ == "zoneinfo" and key:
        return {"$datetime": [value.replace(tzinfo=None).isoformat(), key, value.fold]}
    raise _refusal(value)


def _time_to_json(value: time) -> dict[str, Any]:
    if value.tzinfo is not None and type(value.tzinfo) is not timezone:
        raise _refusal(value)
    return {"$time": [value.isoformat(), value.fold]}


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    tuple: lambda value: {"$tuple": [_to_json(item) for item in value]},
    set: lambda value: {"$set": _in_one_order(value)},
    frozenset: lambda value: {"$frozenset": _in_one_order(value)},
    bytes: lambda value: {"$bytes": base64.b64encode(value).decode("ascii")},
    complex: lambda value: {"$complex": [_to_json(value.real), _to_json(value.imag)]},
    datetime: _datetime_to_json,
    date: lambda value: {"$date": value.isoformat()},
    time: _time_to_json,
    timedelta: lambda value: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    _PATH: lambda value: {"$path": str(value)},
}

_WRITERS_BY_NAME: dict[str, Callable[[Any], dict[str, Any]]] = {
    DECIMAL: lambda value: {"$decimal": str(value)},
    UUID: lambda value: {"$uuid": str(value)},
}


def _class_name(value: Any) -> list[str]:
    """Return module and qualified name, if they lead back to the class."""
    kind = type(value)
    module, name = kind.__module__, kind.__qualname__
    try:
        if _find_class(module, name) is kind:
            return [module, name]
    except (ImportError, AttributeError):
        pass  # refused below, with the reason
    raise ArtifactError(
        f"A {name} cannot be restored: its class is not found by that name in module {module!r}.",
        hint="Define the class at the top level of a module.",
    )


def _find_class(module: str, qualified_name: str) -> Any:
    found: Any = sys.modules.get(module) or import_module(module)
    for part in qualified_name.split("."):
        found = getattr(found, part)
    return found


def _refusal(value: Any) -> ArtifactError:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else full_name(kind)
    return ArtifactError(
        f"A value of type {name} cannot be recorded: JSON could not restore it exactly.",
        hint=_remedy(value),
    )


def _remedy(value: Any) -> str:
    kind = type(value)
    if isinstance(value, IOBase):
        return "Close it and return its path, or LocalArtifact.file of it."
    if hasattr(kind, "fileno"):  # a socket, a connection
        return "Open it in the task that uses it, and return what was read."
    if hasattr(kind, "__await__"):
        return "Return what it gives: await it in an async task."
    if hasattr(kind, "__anext__"):
        return "Return a list: [item async for item in …]."
    if hasattr(kind, "__next__") or isinstance(value, (KeysView, ValuesView, ItemsView)):
        return "Return a list: list(…) of it."
    return "Return plain data, a dataclass or a LocalArtifact; or set serializer='pickle'."


def _from_object(content: dict[str, Any]) -> Any:
    if len(content) != 1:
        return content
    [(key, body)] = content.items()
    reader = _READERS.get(key)
    return reader(body) if reader is not None else content


def _read_datetime(body: Any) -> datetime:
    text, zone_key, fold = body
    moment = datetime.fromisoformat(text).replace(fold=fold)
    if zone_key is None:
        return moment
    from zoneinfo import ZoneInfo

    return moment.replace(tzinfo=ZoneInfo(zone_key))


def _read_time(body: Any) -> time:
    text, fold = body
    return time.fromisoformat(text).replace(fold=fold)


def _read_dataclass(body: Any) -> Any:
    (module, name), content = body
    kind = _find_class(module, name)
    value = object.__new__(kind)  # __init__ may compute; the fields are already computed
    for key, item in content.items():
        object.__setattr__(value, key, item)
    return value


def _read_model(body: Any) -> Any:
    (module, name), state = body
    return model_from_state(_find_class(module, name), state)


def _read_enum(body: Any) -> Any:
    (module, name), member = body
    return _find_class(module, name)[member]


_READERS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$bytes": lambda body: base64.b64decode(body, validate=True),
    "$complex": lambda body: complex(*body),
    "$datetime": _read_datetime,
    "$date": date.fromisoformat,
    "$time": _read_time,
    "$timedelta": lambda body: timedelta(*body),
    "$decimal": lambda body: _find_class("decimal", "Decimal")(body),
    "$uuid": lambda body: _find_class("uuid", "UUID")(body),
    "$path": Path,
    "$dict": dict,
    "$enum": _read_enum,
    "$dataclass": _read_dataclass,
    "$model": _read_model,
}


# The encoder takes ten times as long to get ready as to write one of these.
_PLAIN_WRITERS: Mapping[type, Callable[[Any], str]] = {
    int: int.__repr__,
    str: json.encoder.encode_basestring_ascii,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}

# Made once: json.dumps() and json.loads() make them anew for every value.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(object_hook=_from_object).scan_once  # type: ignore[attr-defined]  # not in typeshed
