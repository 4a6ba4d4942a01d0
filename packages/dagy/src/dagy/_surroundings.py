"""What a run takes from around it when nobody hands it over: the store, the time, a place to talk.

`dagy.testing.harness` puts others in their place for the length of a test.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import NamedTuple

from dagy._clock import Clock, SystemClock
from dagy._local_logger import LocalLogger
from dagy_types import RunStore


class Surroundings(NamedTuple):
    """See the module."""

    open_store: Callable[[], AbstractContextManager[RunStore]]
    clock: Clock
    make_logger: Callable[[], LocalLogger]


def surroundings() -> Surroundings:
    """Return those of this context."""
    return current_surroundings.get() or _REAL


def _open_local_store() -> AbstractContextManager[RunStore]:
    from dagy_store import LocalMetadataStore

    return LocalMetadataStore()


_REAL = Surroundings(_open_local_store, SystemClock(), LocalLogger.from_environment)

current_surroundings: ContextVar[Surroundings | None] = ContextVar(
    "current_surroundings", default=None
)
