"""The time of a run: what a clock says, and how a run waits."""

from __future__ import annotations

from datetime import datetime, timezone
from time import monotonic
from typing import Any, Protocol

from dagy._inbox import Inbox

# A signal that the kernel hands to another thread does not wake the main thread from its wait, so
# waits are bounded: this is how late such a Ctrl-C can be noticed.
_LONGEST_WAIT_SECONDS = 0.2


class Clock(Protocol):
    """What the engine knows of time; tests bring one that they move themselves."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        ...

    def wait(self, inbox: Inbox[Any], until: float, *, is_idle: bool) -> None:
        """Wait until the inbox rings or the time is up.

        Args:
            until: By `monotonic`; it may return earlier.
            is_idle: Whether nothing runs that could put something into the inbox.
        """
        ...


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return monotonic()

    def wait(
        self,
        inbox: Inbox[Any],
        until: float,
        *,
        is_idle: bool,  # noqa: ARG002  real time passes in any case
    ) -> None:
        """Wait until the inbox rings or the time is up."""
        inbox.wait(min(_LONGEST_WAIT_SECONDS, max(0.0, until - monotonic())))
