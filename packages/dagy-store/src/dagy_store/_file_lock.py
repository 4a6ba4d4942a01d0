"""One writer at a time, across processes.

The libraries for this (filelock, portalocker) cost about 60 ms of import, five times the start
of the bare interpreter; ``fcntl.flock`` is all that a POSIX system needs.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from dagy_store._private_files import open_private
from dagy_types.errors import StoreBusyError

_FIRST_WAIT_SECONDS = 0.0005
LONGEST_WAIT_SECONDS = 0.004


class FileLock:
    """An exclusive lock on a file, held in a ``with`` block; free when its holder ends, however.

    It is not re-entrant and not for several threads at once: its owner sees to that.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep
        self._clock = clock
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        """Take the lock.

        Raises:
            StoreBusyError: When another process kept it for the whole time limit.
        """
        self._acquire()

    def __exit__(self, *exception: object) -> None:
        """Give it back."""
        assert self._descriptor is not None
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; the lock can be used again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _acquire(self) -> int:
        deadline = self._clock() + self._timeout_seconds
        wait_seconds = _FIRST_WAIT_SECONDS
        while True:
            descriptor = self._open()
            if _try_lock(descriptor):
                # Somebody may have deleted the file, and others lock a new one by now.
                if os.fstat(descriptor).st_nlink:
                    return descriptor
                self.close()
                continue
            if self._clock() >= deadline:
                raise self._busy(descriptor)
            self._sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = open_private(self._path, os.O_RDWR)
        return self._descriptor

    def _busy(self, descriptor: int) -> StoreBusyError:
        holder = _holder(descriptor)
        return StoreBusyError(
            f"The store is busy: {holder or 'another process'} has held {self._path} "
            f"for {self._timeout_seconds:g} s.",
            hint=f"Try again; if it stays busy, see what {holder or 'the other process'} does.",
        )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str | None:
    """Return who holds the lock where the system tells (Linux does), at no cost to the holder."""
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    inode = os.fstat(descriptor).st_ino
    found = re.search(rf": FLOCK +ADVISORY +WRITE +([1-9]\d*) +\S+:{inode} ", locks)
    return f"process {found[1]}{_command(found[1])}" if found else None


def _command(process: str) -> str:
    try:
        return f" ({Path('/proc', process, 'comm').read_text(errors='replace').strip()})"
    except OSError:  # it has ended, or is somebody else's to see
        return ""
