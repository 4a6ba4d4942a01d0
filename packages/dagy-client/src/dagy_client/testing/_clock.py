"""Time for tests."""

from __future__ import annotations


class FakeClock:
    """A time that passes only while somebody sleeps: the ``clock`` and the ``sleep`` of a client.

    Attributes:
        seconds: What time it is.
        sleeps: How long somebody slept, each time.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.sleeps.append(seconds)
        self.seconds += seconds

    async def async_sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.sleep(seconds)
