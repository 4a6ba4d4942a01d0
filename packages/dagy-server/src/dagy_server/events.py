"""Server-sent events: how numbered lines and signs of life are spelled in a stream.

Every line is one event whose id is its number in the run, so a client that lost the connection
says which one it saw last, and goes on behind it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from anyio import create_task_group
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"

HEARTBEAT = b": heartbeat\n\n"
"""A comment, which clients pass over: it tells them, and what lies between, that we are there."""

HEARTBEAT_SECONDS = 15.0

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep lines until it has some kilobytes of them
}

_DIGITS_AT_MOST = 18


class EventStream(StreamingResponse):
    """An answer of events, which ends with them or when its client goes, and closes them.

    We listen for the client ourselves: what is sent to one that is gone fails with some servers
    and is dropped in silence by others, and between two events nothing is sent at all.
    """

    media_type = MEDIA_TYPE

    def __init__(self, stream: AsyncGenerator[bytes, None]) -> None:
        super().__init__(stream, headers=_HEADERS)
        self._stream = stream

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until there are no more, or the client is gone."""
        async with aclosing(self._stream), create_task_group() as both:

            async def send_all() -> None:
                await self.stream_response(send)
                both.cancel_scope.cancel()

            both.start_soon(send_all)
            await self.listen_for_disconnect(receive)
            both.cancel_scope.cancel()


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
