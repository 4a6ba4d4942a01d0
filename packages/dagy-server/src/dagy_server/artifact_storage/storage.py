"""What the routes of artifacts need of a place that keeps bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from dagy_server.artifact_storage.incoming import IncomingFile, ReceivedFile


class ArtifactStorage(Protocol):
    """Keeps bytes by organisation and SHA-256; what is there never changes."""

    def receive(self) -> AbstractContextManager[IncomingFile]:
        """Open a file to write an upload to; it is removed at the end, unless it was published."""
        ...

    def publish(self, organisation_id: str, received: ReceivedFile) -> None:
        """Keep a whole file, all at once; it may be there already."""
        ...

    def read(self, organisation_id: str, sha256: str, *, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to before ``stop``.

        Raises:
            ArtifactError: At once when they are not there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedUpload:
    """Where and how a client sends bytes past this server.

    Attributes:
        headers: To send with the bytes, exactly so.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]
    expires_at: datetime


@runtime_checkable
class UploadStorage(ArtifactStorage, Protocol):
    """Keeps bytes that clients send past this server."""

    def presign(self, organisation_id: str, sha256: str, size: int) -> PresignedUpload:
        """Return where to send the bytes to."""
        ...

    def accept(self, organisation_id: str, sha256: str, size: int) -> bool:
        """Check bytes that were sent, and keep them; tell whether there were any.

        Raises:
            ArtifactError: When they are other bytes than was said; they are removed then.
        """
        ...
