"""Which part of an artifact a ``Range`` header asks for (RFC 9110 §14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a body; the byte at ``stop`` is the first that is not in it."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.stop - self.start


class UnsatisfiableRange(ValueError):  # noqa: N818 - the name of the status
    """The part begins behind the end of the body."""


def parse_range(header: str | None, *, size: int) -> ByteRange | None:
    """Return the one part that is asked for, or ``None`` for the whole body.

    A header that is malformed or asks for several parts is passed over, as the standard allows.

    Raises:
        UnsatisfiableRange: When there is no such part.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        length = min(int(match["last"]), size)
        if length == 0:
            raise UnsatisfiableRange(header)
        return ByteRange(size - length, size)
    start = int(match["first"])
    last = int(match["last"]) if match["last"] else size - 1
    if match["last"] and last < start:
        return None
    if start >= size:
        raise UnsatisfiableRange(header)
    return ByteRange(start, min(last + 1, size))
