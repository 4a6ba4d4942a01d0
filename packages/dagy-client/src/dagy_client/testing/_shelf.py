"""Things by name, with a place that never changes: so pages hold still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from dagy_client.testing._messages import RefusedError

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things of one kind, in the order in which they came."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._things: dict[str, tuple[int, T]] = {}
        self._next_number = 1

    def put(self, name: str, thing: T) -> T:
        """Add a thing, or put it where the one with its name stands."""
        number = self._things[name][0] if name in self._things else self._next_number
        self._next_number = max(self._next_number, number + 1)
        self._things[name] = number, thing
        return thing

    def get(self, name: str) -> T:
        """Return one thing.

        Raises:
            RefusedError: When there is no such thing.
        """
        if name not in self._things:
            raise RefusedError(404, f"{self._kind}_not_found", f"No such {self._kind}: {name!r}.")
        return self._things[name][1]

    def remove(self, name: str) -> None:
        """Remove one thing.

        Raises:
            RefusedError: When there is no such thing.
        """
        self.get(name)
        del self._things[name]

    def all(self) -> list[T]:
        """Return all, the oldest first."""
        return [thing for _, thing in self._things.values()]

    def page(
        self, *, limit: int, cursor: str | None, where: Callable[[T], bool]
    ) -> tuple[list[T], str | None]:
        """Return the newest of those before the cursor, and the cursor after them."""
        before = self._next_number if cursor is None else int(cursor)
        found = sorted(
            (
                (number, thing)
                for number, thing in self._things.values()
                if number < before and where(thing)
            ),
            key=lambda each: -each[0],
        )
        part = found[:limit]
        is_last = len(found) <= limit
        return [thing for _, thing in part], None if is_last else str(part[-1][0])
