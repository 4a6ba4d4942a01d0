"""JSON into the records of dagy-types, and back. The only module that knows pydantic."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import datetime, timezone
from functools import cache, partial
from operator import methodcaller
from typing import Any, TypeVar

from dagy_types import api_document
from dagy_types.errors import DagyError, UsageError

T = TypeVar("T")


class UnfitError(Exception):
    """A document is not the JSON of the record that it should be."""


def parse_json(body: bytes) -> Any:  # Any: JSON
    """Read JSON.

    Raises:
        UnfitError: When it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnfitError("it is not JSON") from None


def decode(kind: type[T], document: Any) -> T:  # Any: JSON
    """Return the record that a document describes.

    What the record has no attribute for is left out; what the document leaves out has its default.
    A state that this release does not know becomes a value that prints itself.

    Raises:
        UnfitError: When something is missing that has no default, or is of another type.
    """
    from pydantic import ValidationError

    of_kind: Any = kind  # Any: mypy does not know that classes are hashable
    try:
        record: T = _validator(of_kind)(document)
    except ValidationError as error:
        # Of the first problem, the place and the kind: not the value, which may be a secret.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise UnfitError(f"{place}: {first['msg']}") from None
    except DagyError as error:  # a record that checks itself
        raise UnfitError(error.message) from None
    return record


def decode_json(kind: type[T], body: bytes) -> T:
    """Return the record that a JSON text describes, as `decode` does.

    Raises:
        UnfitError: When it describes none, or is not JSON.
    """
    record = decode_quickly(kind, body)
    return decode(kind, parse_json(body)) if record is None else record


def decode_quickly(kind: type[T], body: bytes) -> T | None:
    """Return the record that a JSON text describes, if no more than a look is needed for it.

    What this finds, `decode` would find; what it does not find, `decode` may.
    """
    from pydantic import ValidationError

    of_kind: Any = kind  # Any: mypy does not know that classes are hashable
    try:
        record: T = _quick_validator(of_kind)(body)
    except (ValidationError, DagyError):
        return None
    return record


def encode(body: Any) -> bytes:  # Any: a record, or JSON
    """Return the JSON text of a request: of a record, only what is not left at ``None``.

    Raises:
        UsageError: When something in it is not JSON.
    """
    document = body
    if is_dataclass(body):
        document = {key: value for key, value in api_document(body).items() if value is not None}
    try:
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"This cannot be sent as JSON: {error}.",
            hint="Use text, finite numbers, booleans, None, lists and dicts with text as keys.",
        ) from None


@cache
def _validator(kind: type[T]) -> Callable[[Any], T]:
    # Reflecting on a record takes a thousand times as long as reading one, so each is done once.
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    schema = _changed(TypeAdapter(kind).core_schema, _tolerant)
    return SchemaValidator(schema).validate_python


@cache
def _quick_validator(kind: type[T]) -> Callable[[bytes], T]:
    # No step in Python for each record; for that, null is nothing but None, and times have zones.
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    schema = _changed(TypeAdapter(kind).core_schema, _quickly_tolerant)
    return SchemaValidator(schema).validate_json


def _changed(schema: Any, change: Callable[[Any], Any]) -> Any:
    """Return a schema with a change made in all its parts.

    Args:
        schema: Any: pydantic's description of a type, dicts in dicts.
    """
    if isinstance(schema, list):
        return [_changed(each, change) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return change({key: _changed(value, change) for key, value in schema.items()})


def _tolerant(schema: dict[str, Any]) -> dict[str, Any]:  # Any: as above
    """Return a schema that takes what a server of another release may send."""
    match schema.get("type"):
        case "enum":
            return _read_by(partial(_state, schema["cls"]), "function-plain", schema)
        case "datetime":
            return _read_by(_in_utc, "function-after", schema)
        case "dataclass":
            return _read_by(_without_nulls, "function-before", schema)
    return schema


def _quickly_tolerant(schema: dict[str, Any]) -> dict[str, Any]:  # Any: as above
    """Return a schema that takes most of what a server of another release may send."""
    match schema.get("type"):
        case "enum":
            return {**schema, "missing": partial(_state, schema["cls"])}
        case "datetime":
            to_utc = methodcaller("astimezone", timezone.utc)
            return _read_by(to_utc, "function-after", {**schema, "tz_constraint": "aware"})
    return schema


def _read_by(
    function: Callable[[Any], Any], kind: str, schema: dict[str, Any]
) -> dict[str, Any]:  # Any: as above
    """Return a schema in which a function has its part, instead of this one or around it."""
    outer = {"type": kind, "function": {"type": "no-info", "function": function}}
    if "ref" in schema:  # others refer to the whole by it
        outer["ref"] = schema.pop("ref")
    return outer if kind == "function-plain" else {**outer, "schema": schema}


def _state(kind: Any, value: Any) -> Any:  # Any: one of the enums of dagy-types, and JSON
    if not isinstance(value, str):
        raise ValueError("it should be text")
    return kind.of(value)


def _in_utc(moment: datetime) -> datetime:
    """Take a time that names no zone as one in UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def _without_nulls(document: Any) -> Any:  # Any: JSON
    """Take ``null`` as left out, so that the attribute has its default."""
    if not isinstance(document, Mapping):
        return document
    return {key: value for key, value in document.items() if value is not None}
