"""Server-sent events, from bytes as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Attributes:
        event_id: Of this event, or of the last one before it that had an id.
    """

    kind: str
    data: str
    event_id: str = ""


class EventParser:
    """Reads a stream of events, as the HTML standard describes it.

    An event whose end has not come is not there: after a cut the server sends it again.

    Attributes:
        retry_seconds: How long the server wants to be left alone after a cut.
    """

    def __init__(self) -> None:
        self.retry_seconds = 0.0
        self._unfinished: list[bytes] = []
        self._is_after_cr = False
        self._is_at_start = True
        self._event_id = ""
        self._kind = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that these bytes complete."""
        for line in self._lines(chunk):
            if not line:
                if self._data:
                    yield ServerEvent(
                        self._kind or "message", "\n".join(self._data), self._event_id
                    )
                self._kind, self._data = "", []
            elif not line.startswith(":"):  # that is a comment: a sign of life
                self._take(line)

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._kind = value
            case "id" if "\0" not in value:
                self._event_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_seconds = int(value[:9]) / 1000

    def _lines(self, chunk: bytes) -> Iterator[str]:
        if not chunk:
            return
        ends_with_cr = chunk.endswith(b"\r")
        if self._is_after_cr:
            chunk = chunk.removeprefix(b"\n")  # the second half of a line end
        self._is_after_cr = ends_with_cr
        *lines, rest = _LINE_END.split(chunk)
        for line in lines:
            yield self._text(b"".join([*self._unfinished, line]))
            self._unfinished = []
        if rest:
            self._unfinished.append(rest)

    def _text(self, line: bytes) -> str:
        if self._is_at_start:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._is_at_start = False
        return line.decode("utf-8", "replace")
