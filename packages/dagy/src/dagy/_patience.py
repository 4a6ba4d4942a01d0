"""How a thread waits for another that is about to be done."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

# Some microseconds where nobody else wants the interpreter. To put a thread to sleep and to
# wake it takes as long, and more where its core has gone to sleep too.
_LOOKS = 15


def look_out(is_empty: Callable[[], bool]) -> None:
    """Let others run for a moment, as long as a queue is empty, before one goes to sleep for it."""
    looks = zip(range(_LOOKS), iter(is_empty, False), iter(os.sched_yield, False), strict=False)
    deque(looks, maxlen=0)  # a loop in Python would have the interpreter most of the time
