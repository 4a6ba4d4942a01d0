"""To ask a server that may be away: again and again, as long as that makes sense."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dagy_types.errors import NetworkError

T = TypeVar("T")

MOST_SECONDS = 3600.0
"""How long a worker waits for its server; what it has recorded stays, and the next one sends it."""

_LONGEST_PAUSE_SECONDS = 2.0


class GivenUpError(Exception):
    """The server does not come back, or the directory of the run is gone."""


def patiently(
    ask: Callable[[], T],
    *,
    root: Path,
    most_seconds: float = MOST_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return the answer to a question, however long the server is away.

    Args:
        root: The directory of all that is executed; without it there is nothing to say.

    Raises:
        GivenUpError: When it was away for too long.
    """
    deadline = monotonic() + most_seconds
    pause = 0.1
    while True:
        try:
            return ask()
        except NetworkError:
            if monotonic() > deadline or not root.exists():
                raise GivenUpError from None
        sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
