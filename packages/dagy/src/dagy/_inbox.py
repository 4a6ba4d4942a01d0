"""What happens in a run, in order, on its way to the one who applies it."""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from dagy._patience import look_out

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue whose reader sleeps through what can wait. Anyone may put things in at any time."""

    def __init__(self) -> None:
        self._things: deque[T] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()

    def put(self, thing: T) -> None:
        """Add a thing, and wake the reader."""
        self._things.append(thing)
        self._bell.put(None)

    def put_quietly(self, thing: T) -> None:
        """Add a thing that the reader need not wake up for."""
        self._things.append(thing)

    def receive(self, timeout_seconds: float) -> list[T]:
        """Wait for a thing that is worth waking up for, and return all that is there, in order."""
        try:
            if timeout_seconds:
                look_out(self._bell.empty)
                self._bell.get(timeout=timeout_seconds)
            for _ in range(self._bell.qsize()):
                self._bell.get_nowait()
        except Empty:
            pass  # nothing rang; something may be there all the same
        return [self._things.popleft() for _ in range(len(self._things))]
