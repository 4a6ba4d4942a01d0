"""A file that is on its way in: hashed as it is written, and gone unless it is published."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagy_types.errors import StoreError

ABANDONED_SECONDS = 24 * 3600.0
"""A file that nobody wrote to for so long belongs to a process that was killed."""

_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A whole file, on disk, under a name that nobody else looks for."""

    path: Path
    sha256: str
    size: int


class IncomingFile:
    """A file under a temporary name, that grows as its parts come in."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Add a part.

        Raises:
            StoreError: When the disk is full, or the like.
        """
        rest = memoryview(chunk)
        with disk_errors():
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        self._hash.update(chunk)
        self.size += len(chunk)

    def finish(self) -> ReceivedFile:
        """Return the whole file, once it would survive a loss of power.

        Raises:
            StoreError: When the disk is full, or the like.
        """
        with disk_errors():
            os.fsync(self._descriptor)
        return ReceivedFile(self._path, self._hash.hexdigest(), self.size)


@contextmanager
def incoming_file(directory: Path) -> Iterator[IncomingFile]:
    """Open a new file; at the end it is removed, unless it was renamed meanwhile.

    Raises:
        StoreError: When the disk is full, or the like.
    """
    with disk_errors():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(suffix=_SUFFIX, dir=directory)
    try:
        yield IncomingFile(Path(name), descriptor)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn an error of the disk into one of Dagy's, which tells nothing of where things are."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The server cannot keep artifacts: {error.strerror}.",
            hint="Nothing was changed. Whoever runs it can help.",
        ) from error


def remove_abandoned(directory: Path, *, now: float | None = None) -> None:
    """Remove what processes left behind that were killed while they received a file."""
    oldest = (time.time() if now is None else now) - ABANDONED_SECONDS
    for path in directory.glob(f"*{_SUFFIX}"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:  # another process was quicker
            continue
