"""What happens in a run, in order, on its way to those who apply it."""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue with a bell. Anyone may put things in at any time."""

    def __init__(self) -> None:
        self._things: deque[T] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()

    def put(self, thing: T) -> None:
        """Add a thing, and ring."""
        self._things.append(thing)
        self._bell.put(None)

    def put_quietly(self, thing: T) -> None:
        """Add a thing that nobody need wake up for."""
        self._things.append(thing)

    def ring(self) -> None:
        """Wake whoever waits, or is about to."""
        self._bell.put(None)

    def wait(self, timeout_seconds: float) -> None:
        """Wait until it rings; if it has rung since the last time, not at all."""
        try:
            if timeout_seconds:
                self._bell.get(timeout=timeout_seconds)
            for _ in range(self._bell.qsize()):
                self._bell.get_nowait()
        except Empty:
            pass  # it has not rung

    def take(self) -> list[T]:
        """Return all that is there, in order; for one thread at a time."""
        return [self._things.popleft() for _ in range(len(self._things))]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return not self._things
