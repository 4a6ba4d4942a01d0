"""Who goes on with a run: one thread at a time, and best one that need not be woken for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from dagy._clock import Clock
from dagy._inbox import Inbox


class Turns:
    """The turns of a run, each in the thread that called `take_all`, or in one that lends itself.

    A thread in which the last attempt so far has ended has nothing else to do. To wake another one
    instead takes longer than most turns.

    Args:
        turn: Does all that there is to do, and returns by when there is more, by the clock's
            `monotonic`; ``None`` at the end of the run.
        inbox: Where something may arrive meanwhile.
        is_idle: Whether nothing runs that could put something there.
    """

    def __init__(
        self,
        turn: Callable[[], float | None],
        *,
        inbox: Inbox[Any],
        clock: Clock,
        is_idle: Callable[[], bool],
    ) -> None:
        self._turn = turn
        self._inbox = inbox
        self._clock = clock
        self._is_idle = is_idle
        self._lock = threading.Lock()  # held during a turn
        self._is_wanted = False  # by somebody who could not have it
        self._is_over = False
        self._fault: BaseException | None = None  # what a turn in a lent thread raised
        self._wakes_at = float("inf")  # the caller of `take_all`, by itself, while it waits

    def take_all(self) -> None:
        """Take turns until the run is over, and wait in between; raise what any of them raises."""
        while True:
            with self._lock:
                until = self._take()
                if until is None:
                    break
                is_idle = self._is_idle()
                self._wakes_at = until
            if not self._is_wanted:
                self._clock.wait(self._inbox, until, is_idle=is_idle)
            self._wakes_at = float("inf")
        if self._fault is not None:
            raise self._fault

    def lend(self) -> None:
        """Take a turn in this thread, or have whoever takes one now take another."""
        self._is_wanted = True
        while self._is_wanted and self._lock.acquire(blocking=False):
            try:
                until = self._take()
            except BaseException as error:  # noqa: BLE001  it is raised in `take_all`
                self._fault = error
                until = None
            finally:
                self._lock.release()
            if until is None or until < self._wakes_at:
                self._inbox.ring()

    def is_near(self, seconds: float) -> bool:
        """Tell whether a turn is taken within so many seconds even if nothing happens."""
        return self._wakes_at - self._clock.monotonic() <= seconds

    def _take(self) -> float | None:
        self._is_wanted = False
        if self._is_over:
            return None
        self._is_over = True  # if the turn raises
        until = self._turn()
        self._is_over = until is None
        return until
