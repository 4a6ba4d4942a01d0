"""What is due at which time."""

from __future__ import annotations

import heapq
from itertools import count
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")


class Timers(Generic[T]):
    """Things with a time, the earliest first. The clock is the caller's."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._number = count()  # keeps the order of what is due at the same time

    def add(self, at: float, thing: T) -> None:
        """Remember a thing that is due at a time."""
        heapq.heappush(self._heap, (at, next(self._number), thing))

    @property
    def next_at(self) -> float:
        """When the first thing is due; never, which is infinite, when there is none."""
        return self._heap[0][0] if self._heap else inf

    def pop_due(self, now: float) -> list[T]:
        """Remove and return all that is due."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        return due
