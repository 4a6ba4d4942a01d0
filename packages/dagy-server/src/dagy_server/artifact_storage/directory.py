"""Artifacts as files of a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from dagy_server.artifact_storage.incoming import (
    IncomingFile,
    ReceivedFile,
    disk_errors,
    incoming_file,
    remove_abandoned,
)
from dagy_types.errors import ArtifactError

_READ_BYTES = 256 * 1024


class DirectoryStorage:
    """Keeps each artifact in ``ORGANISATION/SH/SHA256``, written once and never changed.

    Uploads are written to ``incoming`` beside them, so that to publish one is to rename it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._incoming = directory / "incoming"
        remove_abandoned(self._incoming)

    def receive(self) -> AbstractContextManager[IncomingFile]:
        """Open a file to write an upload to; it is removed at the end, unless it was published."""
        return incoming_file(self._incoming)

    def publish(self, organisation_id: str, received: ReceivedFile) -> None:
        """Keep a whole file, all at once; the same bytes may be there already.

        Raises:
            StoreError: When the disk is full, or the like.
        """
        path = self._path(organisation_id, received.sha256)
        with disk_errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            received.path.replace(path)
            _synchronize(path.parent)

    def read(self, organisation_id: str, sha256: str, *, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to before ``stop``.

        Raises:
            ArtifactError: At once when they are not there.
        """
        path = self._path(organisation_id, sha256)
        if not path.is_file():
            raise ArtifactError(
                "The bytes of this artifact are missing.", hint="Upload the artifact again."
            )
        return _parts(path, start, stop)

    def _path(self, organisation_id: str, sha256: str) -> Path:
        return self._directory / organisation_id / sha256[:2] / sha256


def _parts(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop:
            part = file.read(min(_READ_BYTES, stop - start))
            if not part:
                raise ArtifactError("An artifact is shorter than it was when it came.")
            start += len(part)
            yield part


def _synchronize(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
