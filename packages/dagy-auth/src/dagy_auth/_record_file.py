"""One private file with a record for each name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from dagy_auth._private_file import (
    discard_staged,
    has_staged,
    read_private,
    remove_private,
    replace_private,
    try_replacing,
)
from dagy_auth._refresh_lock import file_lock
from dagy_auth._secret import Secret
from dagy_auth._versioned import VERSION, document_errors, parse_versioned
from dagy_types.errors import CredentialStoreError

_WRITE_LOCK_TIME_LIMIT_SECONDS = 10.0


class RecordFile:
    """Keeps JSON objects by name, whatever text that is; to this class they are secrets.

    Reading takes no lock: a file is always whole. Whoever changes it holds a lock, so two processes
    that change different records at once lose nothing. An empty one leaves no file behind.
    """

    def __init__(self, path: Path, *, lock_time_limit_seconds: float) -> None:
        self.path = path
        self._lock_time_limit_seconds = lock_time_limit_seconds

    def place_of(self, name: str) -> str:
        """Return how errors call a record."""
        return f"What {self.path} has for {name!r}"

    def read(self) -> dict[str, Secret]:
        """Return the JSON texts of all records."""
        text = read_private(self.path)
        if text is None:
            return {}
        with document_errors(str(self.path), remedy="move it away and log in again"):
            return _records(text)

    @contextmanager
    def edited(self) -> Iterator[dict[str, Secret]]:
        """Change the records; anything raised inside leaves the file as it was."""
        with self._locked_for_writing():
            discard_staged(self.path)
            records = self.read()
            before = dict(records)
            yield records
            if records and records != before:
                replace_private(self.path, _text(records))
            elif before and not records:
                remove_private(self.path)

    def pop(self, name: str) -> Secret | None:
        """Remove a record with all its traces and return it; ``None`` when there is none."""
        if name not in self.read() and not has_staged(self.path):
            return None  # not even a lock is needed, nor a directory
        with self.edited() as records:
            record = records.pop(name, None)
        with suppress(CredentialStoreError), self._locked(name, time_limit_seconds=0):
            pass  # its lock goes as well, at once or when its holder lets go
        return record

    def probe(self) -> None:
        """Find out whether records can be read and written, leaving all as it is."""
        self.read()
        with self._locked_for_writing():
            try_replacing(self.path)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold the right to renew a record."""
        return self._locked(name, time_limit_seconds=self._lock_time_limit_seconds)

    def _locked(self, name: str, *, time_limit_seconds: float) -> AbstractContextManager[None]:
        path = self.path.with_name(f"{self.path.name}.{digest(name)}.lock")
        return file_lock(
            path, time_limit_seconds=time_limit_seconds, is_needed=lambda: self._may_have(name)
        )

    def _locked_for_writing(self) -> AbstractContextManager[None]:
        return file_lock(
            self.path.with_name(f"{self.path.name}.lock"),
            time_limit_seconds=_WRITE_LOCK_TIME_LIMIT_SECONDS,
            is_needed=lambda: os.path.lexists(self.path),
        )

    def _may_have(self, name: str) -> bool:
        try:
            return name in self.read()
        except CredentialStoreError:
            return True


def digest(name: str) -> str:
    """Return a text of 32 letters and digits that no other name has, in any case or form."""
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _records(text: Secret) -> dict[str, Secret]:
    records = parse_versioned(text).get("credentials")
    if not isinstance(records, dict) or not all(isinstance(one, dict) for one in records.values()):
        raise ValueError("no records")
    return {name: Secret(json.dumps(record)) for name, record in records.items()}


def _text(records: dict[str, Secret]) -> Secret:
    objects = {name: json.loads(record.reveal()) for name, record in sorted(records.items())}
    return Secret(json.dumps({"version": VERSION, "credentials": objects}, indent=1) + "\n")
