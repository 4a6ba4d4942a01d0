"""Calls that may never return."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


class TimeLimitExceeded(Exception):  # noqa: N818 - it never leaves this package
    """A call has not returned in time."""


def call_within(seconds: float, action: Callable[[], T], *, thread_name: str) -> T:
    """Return what the action returns, or raise what it raises, within a time limit.

    A call that takes longer is left alone in a thread of its own, which does not delay the end of
    the process.

    Raises:
        TimeLimitExceeded: When it takes longer.
    """
    outcomes: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def perform() -> None:
        try:
            outcomes.put((action(), None))
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            outcomes.put((None, error))

    threading.Thread(target=perform, name=thread_name, daemon=True).start()
    try:
        result, error = outcomes.get(timeout=seconds)
    except queue.Empty:
        raise TimeLimitExceeded from None
    if error is not None:
        raise error
    return cast("T", result)
