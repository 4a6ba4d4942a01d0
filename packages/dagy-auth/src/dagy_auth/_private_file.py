"""Files that only their owner can read, and that are either the old or the new one.

A umask can only take permissions away, so asking for 600 and 700 is enough under any.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagy_auth._secret import Secret
from dagy_types.errors import CredentialStoreError

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Without O_NONBLOCK, opening a pipe would wait for somebody who writes to it.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_private(path: Path) -> Secret | None:
    """Return the text of a file; ``None`` when there is none.

    Raises:
        CredentialStoreError: When others can read it, or it is no plain file or no text.
    """
    with file_errors(path):
        try:
            descriptor = os.open(path, _READ)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            _require_private(path, os.fstat(descriptor).st_mode)
            try:
                return Secret(file.read().decode())
            except UnicodeDecodeError:
                raise damaged(path) from None


def replace_private(path: Path, text: Secret) -> None:
    """Write a file durably, in one step for whoever reads it; whoever calls this holds its lock."""
    new = _staged(path)
    discard_staged(path)
    with file_errors(path):
        try:
            _write_new(new, text)
            new.replace(path)
            sync_directory(path.parent)
        finally:
            new.unlink(missing_ok=True)


def try_replacing(path: Path) -> None:
    """Find out whether `replace_private` would work, leaving everything as it is."""
    discard_staged(path)
    with file_errors(path):
        try:
            _write_new(_staged(path), Secret("\n"))
        finally:
            _staged(path).unlink(missing_ok=True)


def discard_staged(path: Path) -> None:
    """Remove what a killed process has left of its attempt to write the file."""
    with file_errors(path):
        _staged(path).unlink(missing_ok=True)


def has_staged(path: Path) -> bool:
    """Tell whether a killed process has left something, or another writes at this moment."""
    return os.path.lexists(_staged(path))


def remove_private(path: Path) -> None:
    """Remove a file durably."""
    with file_errors(path):
        path.unlink(missing_ok=True)
        sync_directory(path.parent)


def make_private_directory(path: Path) -> None:
    """Create a directory with mode 700, its missing parents too; one that exists keeps its mode."""
    with file_errors(path):
        for directory in reversed([path, *path.parents]):
            if not directory.is_dir():
                directory.mkdir(mode=0o700, exist_ok=True)
                sync_directory(directory.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn an error of the system into one that names the file."""
    try:
        yield
    except OSError as error:
        raise _refusal(path, error) from None


def damaged(path: Path) -> CredentialStoreError:
    """Return the error to raise when a file is not what only this package writes."""
    return CredentialStoreError(f"{path} is damaged.", hint="Move it away and log in again.")


def _require_private(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise CredentialStoreError(
            f"{path} is not a file.", hint="Move away what is there and log in again."
        )
    if mode & 0o077:
        raise CredentialStoreError(
            f"{path} can be read or changed by others.",
            hint=f"Run: chmod 600 {shlex.quote(str(path))}",
        )


def _write_new(path: Path, text: Secret) -> None:
    with os.fdopen(os.open(path, _MAKE, 0o600), "wb") as file:
        file.write(text.reveal().encode())
        file.flush()
        os.fsync(file.fileno())


def _staged(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _refusal(path: Path, error: OSError) -> CredentialStoreError:
    if error.errno == errno.ELOOP:
        return CredentialStoreError(
            f"{path} is a symbolic link.", hint="Put the file itself in its place."
        )
    if error.errno in _DISK_FULL:
        return CredentialStoreError(
            f"The disk is full: {path} cannot be written.",
            hint="Free some space on that disk and try again. What was stored before is kept.",
        )
    return CredentialStoreError(
        f"{path} cannot be used: {error.strerror or type(error).__name__}.",
        hint=f"Make sure that you may read and write {path.parent}.",
    )
