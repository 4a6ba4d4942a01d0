"""Where archives are kept for a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dagy.deploy._archive import Archive
from dagy_types.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from dagy_client import DagyClient

OnProgress = Callable[[int, int], None]
"""Is told how many bytes are sent, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactPlace:
    """Where an archive is: at the server itself, or in a bucket."""

    artifact_id: str | None = None
    s3_uri: str | None = None


class ArtifactStorage(Protocol):
    """Keeps archives; what is there never changes."""

    def find(self, archive: Archive) -> ArtifactPlace | None:
        """Return where an archive is, if it is there; changes nothing."""
        ...

    def upload(self, archive: Archive, on_progress: OnProgress | None) -> ArtifactPlace:
        """Bring an archive there, and return where it is.

        Raises:
            ConflictError: When its file has changed since it was verified.
        """
        ...


class ServerStorage:
    """The server itself keeps them."""

    def __init__(self, client: DagyClient) -> None:
        self._client = client

    def find(self, archive: Archive) -> ArtifactPlace | None:
        """Return where an archive is, if it is there."""
        try:
            return ArtifactPlace(
                artifact_id=self._client.artifacts.find(archive.sha256).artifact_id
            )
        except NotFoundError:
            return None

    def upload(self, archive: Archive, on_progress: OnProgress | None) -> ArtifactPlace:
        """Bring an archive there, and return where it is.

        Raises:
            ConflictError: When its file has changed since it was verified.
        """
        kept = self._client.artifacts.upload(archive.path, on_progress=on_progress)
        if kept.sha256.lower() != archive.sha256:
            raise changed_meanwhile(archive)
        return ArtifactPlace(artifact_id=kept.artifact_id)


def changed_meanwhile(archive: Archive) -> ConflictError:
    """Return the error for a file that is no longer the one that was verified."""
    return ConflictError(
        f"{archive.path} has changed since it was verified; nothing is deployed.",
        hint="Deploy again, when it is at rest.",
    )
