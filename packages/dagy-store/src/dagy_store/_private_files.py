"""Files and directories that only their owner can read.

A umask can only take permissions away, so asking for 600 and 700 is enough under any.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


def open_private(path: Path, flags: int) -> int:
    """Open a file, create it with mode 600 if it is absent, and return the descriptor."""
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)


def make_private_file(path: Path) -> None:
    """Create an empty file with mode 600.

    Raises:
        FileExistsError: When there is one.
    """
    os.close(open_private(path, os.O_EXCL))


def make_private_directory(path: Path) -> None:
    """Create a directory with mode 700, its missing parents too, so that a crash keeps them.

    One that exists keeps its mode: it may be shared on purpose.
    """
    try:
        _make_one_private_directory(path)
    except FileNotFoundError:
        make_private_directory(path.parent)
        _make_one_private_directory(path)


def _make_one_private_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    else:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes: one call of the system, unless a disk is nearly full or a signal came."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
