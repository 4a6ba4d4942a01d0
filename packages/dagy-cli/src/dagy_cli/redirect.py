"""Keeps stdout clean while code that is not ours runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send to stderr whatever this process and its children write to stdout.

    A flow's file may print on import and its tasks may start programs that print; only what the
    command itself answers belongs on stdout.
    """
    stdout = sys.stdout
    stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        stdout.flush()  # what was written through `sys.__stdout__` leaves before the way back
        sys.stdout = stdout
        os.dup2(kept, 1)
        os.close(kept)
