"""Token sets in a file that only its owner can read."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from dagy_auth._document import from_document, to_document
from dagy_auth._record_file import RecordFile
from dagy_auth._token_set import TokenSet


class FileStore:
    """Keeps token sets in one JSON file with mode 600, not encrypted.

    Args:
        path: The file; its directory is made with mode 700 when it is absent.
        lock_time_limit_seconds: How long `lock` waits for somebody who renews the same tokens.
    """

    def __init__(self, path: Path, *, lock_time_limit_seconds: float = 30.0) -> None:
        self._file = RecordFile(path, lock_time_limit_seconds=lock_time_limit_seconds)

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self._file.path)

    @property
    def is_encrypted(self) -> bool:
        """Always false."""
        return False

    def probe(self) -> None:
        """Find out whether the file can be read and written."""
        self._file.probe()

    def load(self, name: str) -> TokenSet | None:
        """Return what is stored under this name."""
        record = self._file.read().get(name)
        if record is None:
            return None
        return from_document(record, place=self._file.place_of(name))

    def save(self, name: str, tokens: TokenSet) -> None:
        """Store under this name; a crash in the middle leaves what was there before."""
        with self._file.edited() as records:
            records[name] = to_document(tokens)

    def delete(self, name: str) -> bool:
        """Remove all traces of what is stored under this name; tell whether there was any."""
        return self._file.pop(name) is not None

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._file.read())

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold, against threads and processes, the right to renew what has this name."""
        return self._file.lock(name)
