"""The one directory of a server: private, used by one server at a time, with its secret inside."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from dagy_types.errors import ConflictError, StoreError


class DataDirectory:
    """A directory that this server has to itself until it is closed.

    Raises:
        ConflictError: When another server uses it.
        StoreError: When it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise ConflictError(
                f"Another server uses {path}.", hint="Stop it, or give another --data-dir."
            ) from None

    def secret(self) -> bytes:
        """Return the secret of which keys are hashed; it is made when there is none."""
        path = self.path / "secret.key"
        try:
            if not path.exists():
                _write_private(path, secrets.token_hex(32))
            text = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable(path, error) from error
        if len(text) < 32:
            raise StoreError(
                f"{path} is damaged.",
                hint="Restore it from a backup. Without it, API keys have to be made anew.",
            )
        return text.encode()

    def close(self) -> None:
        """Let another server use the directory; a second time changes nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _write_private(path: Path, text: str) -> None:
    scratch = path.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _unusable(path: Path, error: Exception) -> StoreError:
    cause = error.strerror if isinstance(error, OSError) else "it is not text"
    return StoreError(
        f"{path} cannot be used: {cause}.",
        hint="Make sure that you may write there, or give another --data-dir.",
    )
