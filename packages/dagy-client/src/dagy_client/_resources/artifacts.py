"""Archives that hold the code of flows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from dagy_client import _operations as operations
from dagy_client._calls import Call, operation_call
from dagy_client._files import OnProgress
from dagy_client._methods import Resource, one_value
from dagy_client._transfers import Download, Upload
from dagy_types import ArtifactInfo

S = TypeVar("S")


class Artifacts(Resource[S]):
    """Archives that hold the code of flows."""

    @one_value
    def upload(
        self,
        path: str | os.PathLike[str],
        *,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
    ) -> Call[ArtifactInfo]:
        """Upload a file and return what the server calls it.

        Args:
            on_progress: Is told how many bytes are sent, of how many.

        Raises:
            NotFoundError: When there is no such file.
            ArtifactError: When it cannot be read, or arrived changed.
        """
        return Upload(operations.ARTIFACTS_UPLOAD, Path(path), on_progress, idempotency_key)

    @one_value
    def find(self, sha256: str) -> Call[ArtifactInfo]:
        """Return the archive whose bytes have this hash.

        Raises:
            NotFoundError: When the server has none.
        """
        return operation_call(operations.ARTIFACTS_FIND, {"sha256": sha256})

    @one_value
    def download(
        self,
        artifact_id: str,
        path: str | os.PathLike[str],
        *,
        on_progress: OnProgress | None = None,
    ) -> Call[Path]:
        """Download an archive to a file and return its path; it is there whole or not at all.

        What a call before this one has got of it, is not fetched again.

        Raises:
            NotFoundError: When there is no such archive.
            ArtifactError: When the file cannot be written, or the archive arrived changed.
        """
        return Download(operations.ARTIFACTS_DOWNLOAD, artifact_id, Path(path), on_progress)
