"""JSON from an archive: read within bounds of memory."""

from __future__ import annotations

import json
from typing import Any

from dagy.artifacts._limits import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_MARKS
from dagy.artifacts._refusal import Refusal

_MARKS = (b",", b":", b"[", b"{")


def bounded_text(data: bytes, name: str) -> str:
    """Return the text of a JSON document that takes a bounded amount of memory once it is parsed.

    Raises:
        Refusal: When it is too large, or not UTF-8.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise Refusal(f"{name} has more than {MAX_DOCUMENT_BYTES} bytes")
    if sum(map(data.count, _MARKS)) > MAX_DOCUMENT_MARKS:
        raise Refusal(f"{name} holds too many values")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refusal(f"{name} is not UTF-8") from None


def read_object(text: str, name: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        Refusal: When the text is anything else.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal(f"{name} is not JSON") from None
    if not isinstance(document, dict):
        raise Refusal(f"{name} is not a JSON object")
    return document
