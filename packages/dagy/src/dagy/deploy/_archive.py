"""An archive whose every byte is verified."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dagy.artifacts import Manifest, open_artifact
from dagy_types import FlowSpec
from dagy_types.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A verified archive.

    Attributes:
        sha256: That of the whole file.
    """

    path: Path
    manifest: Manifest
    flow_spec: FlowSpec
    sha256: str
    size_bytes: int


def read_archive(
    path: str | os.PathLike[str], *, flow_name: str | None = None, flow_version: str | None = None
) -> Archive:
    """Open and verify an archive; nothing in it is imported.

    Args:
        flow_name: The flow that it should hold, where that is known; so ``flow_version``.

    Raises:
        NotFoundError: When there is no such file.
        ArtifactError: When it is not a sound archive as `dagy.build_artifact` makes them.
        UsageError: When it holds another flow.
    """
    with open_artifact(path) as artifact:
        archive = Archive(
            path=Path(path),
            manifest=artifact.manifest,
            flow_spec=artifact.flow_spec,
            sha256=artifact.sha256(),
            size_bytes=Path(path).stat().st_size,
        )
        artifact.verify()
    _require_agreement(archive, "name", archive.flow_spec.name, flow_name)
    _require_agreement(archive, "version", archive.flow_spec.version, flow_version)
    return archive


def _require_agreement(archive: Archive, what: str, packed: str, given: str | None) -> None:
    if given not in (None, packed):
        raise UsageError(
            f"The flow in {archive.path} has the {what} {packed!r}, and not {given!r}.",
            hint=f"Leave out the {what}: the archive says it. Or give another archive.",
        )
