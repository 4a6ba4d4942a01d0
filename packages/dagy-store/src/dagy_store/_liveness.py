"""Which runs are alive: each holds a lock that ends with its process, whatever ends it."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from dagy_store._private_files import open_private


class Lifeline:
    """The lock that a run holds while its process lives.

    Raises:
        BlockingIOError: When another run holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = open_private(path, os.O_RDWR)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.drop()
            raise

    def end(self) -> None:
        """Release the lock and remove its file: the run has ended in good order."""
        # The end is recorded, so a file that cannot be removed is untidy and nothing more.
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.drop()

    def drop(self) -> None:
        """Close the file only; the lock stays while another process has inherited it."""
        os.close(self._descriptor)


def is_alive(path: Path) -> bool:
    """Tell whether a process holds the lock at ``path``; no file, no life.

    A lock belongs to one opening of a file, so asking from the very process that holds it
    neither answers wrongly nor releases it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
