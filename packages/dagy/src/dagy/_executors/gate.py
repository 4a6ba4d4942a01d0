"""The way out for the events of one attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dagy_types import Attempt, AttemptEvent, AttemptResult, LogRecord


class Gate:
    """Lets the events of an attempt through until its result, or until somebody shuts it.

    Shutting waits for an event that is just passing, so none is delivered after it. The lock is
    this attempt's own, hence free nearly always. It is re-entrant because delivering can start a
    garbage collection, and with it an object's ``__del__`` that prints something.

    Args:
        deliver: Takes what passes; must not block.
    """

    __slots__ = ("_deliver", "_is_shut", "_lock", "attempt")

    def __init__(self, attempt: Attempt, deliver: Callable[[AttemptEvent], None]) -> None:
        self.attempt = attempt
        self._deliver = deliver
        self._lock = threading.RLock()
        self._is_shut = False

    def let_through(self, event: AttemptEvent) -> bool:
        """Deliver an event; return whether the gate was open."""
        with self._lock:
            if self._is_shut:
                return False
            self._deliver(event)
            return True

    def emit(self, record: LogRecord) -> None:
        """Deliver what the attempt says, while the gate is open."""
        self.let_through(record)

    def finish(
        self, result: AttemptResult, hand_in: Callable[[AttemptResult], None] | None = None
    ) -> bool:
        """Deliver the last event and shut; return whether the gate was open.

        Args:
            hand_in: Takes the result instead; must not block either.
        """
        with self._lock:
            if self._is_shut:
                return False
            self._is_shut = True
            (hand_in or self._deliver)(result)
            return True

    def shut(self, then: Callable[[], None] | None = None) -> bool:
        """Let nothing through any more; return whether the gate was open.

        Args:
            then: Called if it was, before whoever waits at the gate learns that it is shut.
        """
        with self._lock:
            if self._is_shut:
                return False
            self._is_shut = True
            if then is not None:
                then()
            return True
