"""A clock that moves when a run would only wait, or when a test says so."""

from __future__ import annotations

import math
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

from dagy._inbox import Inbox

# How often a run whose tasks are at work looks whether the test has moved the clock.
_LOOK_EVERY_SECONDS = 0.01


class FakeClock:
    """The time of a run in a test: the engine's `Clock`.

    A run that has nothing to do but wait, for a retry for instance, goes on at once, and the clock
    with it. While tasks are at work it stands still: `advance` lets their time limits pass.

    Args:
        start: What it says at first, aware.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2026, 1, 1, tzinfo=timezone.utc)
        self._lock = threading.Lock()
        self._elapsed_seconds = 0.0

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self._start.astimezone(timezone.utc) + timedelta(seconds=self._elapsed_seconds)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._elapsed_seconds

    def advance(self, seconds: float) -> None:
        """Let so much time pass; callable from a task, or from any thread.

        Raises:
            ValueError: When the time would go back, or to no time at all.
        """
        if not math.isfinite(seconds):
            raise ValueError(f"Time cannot advance by {seconds} s.")
        if seconds < 0:
            raise ValueError(f"Time cannot go back by {-seconds:g} s.")
        with self._lock:
            self._elapsed_seconds += seconds

    def wait(self, inbox: Inbox[Any], until: float, *, is_idle: bool) -> None:
        """Wait for the inbox to ring; with nothing at work and nothing there, let the time come."""
        is_over = is_idle or until <= self.monotonic()
        inbox.wait(0.0 if is_over else _LOOK_EVERY_SECONDS)
        if is_idle and inbox.is_empty and until != float("inf"):
            with self._lock:
                self._elapsed_seconds = max(self._elapsed_seconds, until)
