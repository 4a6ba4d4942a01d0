"""The attempts of a run: which are under way, and whether another one follows a failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Attempts:
    """Counts the attempts of each task, from 1, and knows which are under way.

    A task that failed may be *repeated*: it goes on counting, and has all its retries again.

    Attributes:
        started: How many of those under way have found a slot.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._first: dict[str, int] = {}  # the number of the first attempt since a repetition
        self._under_way: dict[str, bool] = {}  # whether it has started
        self.started = 0

    def __len__(self) -> int:
        """Return how many attempts are under way, those that still wait for a slot included."""
        return len(self._under_way)

    def __iter__(self) -> Iterator[str]:
        """Yield the tasks whose attempts are under way."""
        return iter(self._under_way)

    def begin(self, task_id: str) -> int:
        """Count a new attempt, which is under way, and return its number."""
        number = self._numbers.get(task_id, 0) + 1
        self._numbers[task_id] = number
        self._under_way[task_id] = False
        return number

    def is_current(self, task_id: str, number: int) -> bool:
        """Tell whether this attempt is under way."""
        return task_id in self._under_way and self._numbers[task_id] == number

    def start(self, task_id: str) -> None:
        """The attempt under way has found a slot."""
        self._under_way[task_id] = True
        self.started += 1

    def has_started(self, task_id: str) -> bool:
        """Tell whether the attempt under way has found a slot."""
        return self._under_way[task_id]

    def end(self, task_id: str) -> None:
        """The attempt under way has ended."""
        self.started -= self._under_way.pop(task_id)

    def withdraw(self, task_id: str) -> None:
        """The attempt under way will not start after all, so it does not count."""
        del self._under_way[task_id]
        self._numbers[task_id] -= 1

    def forget(self, task_id: str) -> None:
        """There will be no further attempt."""
        self._numbers.pop(task_id, None)
        if self._first:
            self._first.pop(task_id, None)

    def number(self, task_id: str) -> int:
        """Return the number of the latest attempt; 0 before the first."""
        return self._numbers.get(task_id, 0)

    def retries_made(self, task_id: str) -> int:
        """Return how many retries the latest attempt and those before it were."""
        return self._numbers[task_id] - self._first.get(task_id, 1)

    def repeat(self, task_id: str) -> None:
        """From the next attempt on, the task has all its retries again."""
        self._first[task_id] = self._numbers[task_id] + 1


class TimeLimit(NamedTuple):
    """An attempt may go on no longer."""

    task_id: str
    number: int


class Retry(NamedTuple):
    """A failed task is to be tried again."""

    task_id: str


class Repetition:
    """All tasks that have failed for good are to be tried once more."""


Due = TimeLimit | Retry | Repetition
"""Something that happens at a time."""
