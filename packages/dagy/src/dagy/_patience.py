"""How a thread waits for another that is about to be done."""

from __future__ import annotations

import os
from collections.abc import Callable

# About 25 microseconds where nobody else wants the interpreter. To put a thread to sleep and to
# wake it takes as long, and more where its core has gone to sleep too.
_LOOKS = 50


def look_out(is_there: Callable[[], object]) -> None:
    """Let others run for a moment, until something is there, before one goes to sleep for it."""
    for _ in range(_LOOKS):
        if is_there():
            return
        os.sched_yield()
