"""What is measured: one way of running one shape, ready to start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Trial:
    """A graph that is ready to run.

    Attributes:
        run: Runs it and returns its result; this is what is timed.
        result: What it must return.
        count_recorded: Returns how many tasks are recorded as done afterwards; ``None`` where
            nothing is recorded, or nobody counts.
    """

    run: Callable[[], int]
    result: int
    count_recorded: Callable[[], int] | None = None


Prepare = Callable[[str, int, Path], Trial]
"""Makes a trial of a shape, of a number of tasks, with an empty directory for its files."""
