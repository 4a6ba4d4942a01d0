"""The log of a run as it grows, as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from anyio import to_thread

from dagy_server import events
from dagy_server.line_signals import Listener

POLL_SECONDS = 0.5
"""How long lines may go unnoticed that another process has added."""


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """A line of a log, and its number in the run, from 1."""

    number: int
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogPage:
    """A part of a log.

    Attributes:
        is_full: Whether there may be more lines already.
        end: How the run has ended, if it had before the lines were read.
    """

    lines: tuple[NumberedLine, ...]
    is_full: bool
    end: Mapping[str, Any] | None = None


class Stopping(Protocol):
    """Tells that the server is about to stop; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether it is."""
        ...


async def log_events(
    read: Callable[[int], LogPage],
    listener: Listener,
    *,
    after: int,
    stopping: Stopping,
    poll_seconds: float = POLL_SECONDS,
    heartbeat_seconds: float = events.HEARTBEAT_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[bytes, None]:
    """Yield each line as an event, signs of life between them, and ``end`` after the last one.

    When the server stops, the stream ends without ``end``: the client goes on elsewhere, or later.

    Args:
        read: Returns the lines after a number; called in a thread.
        after: The number of the last line that the client has.
    """
    yield events.HEARTBEAT
    spoken_at = monotonic()
    while not stopping.is_set():
        page = await to_thread.run_sync(read, after)
        if page.lines:
            after = page.lines[-1].number
            yield b"".join(
                events.named_event("log", line.document, number=line.number) for line in page.lines
            )
            spoken_at = monotonic()
        if page.is_full:
            continue
        if page.end is not None:
            yield events.named_event("end", page.end)
            return
        if monotonic() - spoken_at >= heartbeat_seconds:
            yield events.HEARTBEAT
            spoken_at = monotonic()
        await listener.wait(poll_seconds)
