"""The words in which the schemas are written: each function returns a JSON Schema (2020-12)."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

ANYTHING: Schema = {}
"""Any JSON value, as authors of flows gave it."""


def text(description: str = "") -> Schema:
    """Return a text."""
    return _described({"type": "string"}, description)


def integer(description: str = "") -> Schema:
    """Return a whole number from 0 on."""
    return _described({"type": "integer", "minimum": 0}, description)


def number(description: str = "") -> Schema:
    """Return a number."""
    return _described({"type": "number"}, description)


def truth(description: str = "") -> Schema:
    """Return true or false."""
    return _described({"type": "boolean"}, description)


def moment(description: str = "") -> Schema:
    """Return a time in RFC 3339 and UTC."""
    return _described({"type": "string", "format": "date-time", "pattern": "Z$"}, description)


def one_of(*values: str) -> Schema:
    """Return one of these texts."""
    return {"type": "string", "enum": list(values)}


def optional(schema: Schema) -> Schema:
    """Return the same, or null."""
    description = schema.get("description", "")
    bare = {key: value for key, value in schema.items() if key != "description"}
    return _described({"anyOf": [bare, {"type": "null"}]}, description)


def array(items: Schema, description: str = "") -> Schema:
    """Return any number of them."""
    return _described({"type": "array", "items": items}, description)


def mapping(values: Schema, description: str = "") -> Schema:
    """Return an object whose keys are data."""
    return _described({"type": "object", "additionalProperties": values}, description)


def record(**fields: Schema) -> Schema:
    """Return an object that has each of these fields; later releases may add others."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def extended(schema: Schema, **fields: Schema) -> Schema:
    """Return a record with further fields."""
    return record(**schema["properties"], **fields)


def without(schema: Schema, *names: str) -> Schema:
    """Return a record without some of its fields."""
    kept = {name: field for name, field in schema["properties"].items() if name not in names}
    return record(**kept)


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema
