"""Server-sent events: how numbered lines and signs of life are spelled in a stream.

Every line is one event whose id is its number in the run, so a client that lost the connection
says which one it saw last, and goes on behind it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "text/event-stream"

HEARTBEAT = b": heartbeat\n\n"
"""A comment, which clients pass over: it tells them, and what lies between, that we are there."""

HEARTBEAT_SECONDS = 15.0

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep lines until it has some kilobytes of them
}

_DIGITS_AT_MOST = 18


def named_event(name: str, document: Mapping[str, Any], *, number: int | None = None) -> bytes:
    """Return one event, whose data is the document as JSON, which has no line breaks.

    Without a number, the last id that the client knows stays what it was.
    """
    identity = "" if number is None else f"id: {number}\n"
    data = json.dumps(document, separators=(",", ":"))
    return f"event: {name}\n{identity}data: {data}\n\n".encode()


def parse_last_event_id(text: str | None) -> int | None:
    """Return the number that ``Last-Event-ID`` tells, 0 where it is absent or empty.

    It is ``None`` when the text is no id that `named_event` gives.
    """
    if not text:
        return 0
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_AT_MOST
    return int(text) if is_number else None
