"""How those who follow a log learn at once that this process has added lines to it.

Lines that another process has added are not told of; who waits looks for them every so often.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Listener:
    """Waits for lines of one run; it belongs to the event loop that it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        """End the waiting, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> None:
        """Return once there are lines since the last time, or when the time is over."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        self._event.clear()


class LineSignals:
    """Brings those who add lines and those who wait for them together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Listener]] = {}

    def count(self) -> int:
        """Return how many listen now."""
        with self._lock:
            return sum(map(len, self._listeners.values()))

    def notify(self, run_id: str) -> None:
        """Wake everybody who waits for lines of this run, or for its end; from any thread."""
        with self._lock:
            listeners = tuple(self._listeners.get(run_id, ()))
        for listener in listeners:
            listener.wake()

    @contextmanager
    def listening(self, run_id: str) -> Iterator[Listener]:
        """Listen from here on: what was added before is there to be read."""
        listener = Listener()
        with self._lock:
            self._listeners.setdefault(run_id, set()).add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                listeners = self._listeners[run_id]
                listeners.remove(listener)
                if not listeners:
                    del self._listeners[run_id]
