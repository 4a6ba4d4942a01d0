"""One at a time, across threads and processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dagy_auth._private_file import file_errors, make_private_directory
from dagy_types.errors import CredentialStoreError

_FIRST_WAIT_SECONDS = 0.001
_LONGEST_WAIT_SECONDS = 0.05


@contextmanager
def file_lock(
    path: Path,
    *,
    time_limit_seconds: float,
    is_needed: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Hold an exclusive lock on a file, which is free again when its holder ends, however it ends.

    Each holder has opened the file for itself, so threads keep each other out as processes do. It
    is not re-entrant.

    Args:
        is_needed: Asked at the end, with the lock still held: otherwise the file is removed.

    Raises:
        CredentialStoreError: When somebody else held it for the whole time limit.
    """
    make_private_directory(path.parent)
    with file_errors(path):
        descriptor = _acquire(path, time_limit_seconds, sleep, monotonic)
    try:
        yield
    finally:
        with file_errors(path):
            _release(path, descriptor, keep_file=is_needed())


def _acquire(
    path: Path,
    time_limit_seconds: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> int:
    deadline = monotonic() + time_limit_seconds
    wait_seconds = _FIRST_WAIT_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        is_held = False
        try:
            is_held = _try_lock(path, descriptor)
        finally:
            if not is_held:
                os.close(descriptor)
        if is_held:
            return descriptor
        if monotonic() >= deadline:
            raise CredentialStoreError(
                f"{path} has been locked by another process for {time_limit_seconds:g} s.",
                hint="Try again; if that does not help, look for a process that hangs.",
            )
        sleep(wait_seconds)
        wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT_SECONDS)


def _try_lock(path: Path, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have removed the file, and others lock a new one by now.
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _release(path: Path, descriptor: int, *, keep_file: bool) -> None:
    try:
        if not keep_file:
            path.unlink(missing_ok=True)
        # Closing is not enough while a forked child has a copy of the descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)
