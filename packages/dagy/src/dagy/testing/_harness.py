"""Surroundings for a test: a store in memory and a clock that does not wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from dagy._local_logger import LocalLogger
from dagy._surroundings import Surroundings, current_surroundings
from dagy.testing._fake_clock import FakeClock
from dagy.testing._memory_store import MemoryStore
from dagy_types import RunStore

_THREAD_PREFIX = "dagy-"


@dataclass(frozen=True, slots=True)
class Harness:
    """What flows run in within a test.

    Attributes:
        store: Holds the runs; read it like the store on disk.
        clock: Tells the flows' time.
    """

    store: MemoryStore
    clock: FakeClock


@contextmanager
def harness(*, clock: FakeClock | None = None) -> Iterator[Harness]:
    """Run the flows that are called in this block in memory, quietly, and without waiting.

    Calls of flows, `Flow.run_local` and `Flow.resume` are recorded in `Harness.store`. Retry delays
    pass at once. Another thread or an asyncio task that is started inside sees the harness only if
    it runs in a copy of the context.

    Args:
        clock: Tells the time; a new one by default.

    Raises:
        RuntimeError: At the end, when a task that was given up still runs in its thread.
    """
    test = Harness(MemoryStore(), clock or FakeClock())
    before = set(threading.enumerate())

    def open_store() -> AbstractContextManager[RunStore]:
        return nullcontext(test.store)

    token = current_surroundings.set(
        Surroundings(open_store, test.clock, lambda: LocalLogger(quiet=True))
    )
    try:
        yield test
    finally:
        current_surroundings.reset(token)
    left = [
        thread.name
        for thread in threading.enumerate()
        if thread not in before and thread.name.startswith(_THREAD_PREFIX)
    ]
    if left:
        raise RuntimeError(f"Tasks that were given up still run in: {', '.join(left)}.")
