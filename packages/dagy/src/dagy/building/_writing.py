"""`write_artifact`: the planned archive, as a file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from dagy.artifacts._layout import Member, directory_bytes, local_header
from dagy.artifacts._limits import MAX_ARTIFACT_BYTES
from dagy.artifacts._manifest import MANIFEST_NAME, SOURCES, SPEC_NAME, manifest_json
from dagy.building._plan import ArtifactPlan, too_large
from dagy.building._sources import SourceFile, read_chunks
from dagy_store import local_directory
from dagy_types import flow_spec_to_json
from dagy_types.errors import ArtifactError, ConflictError


@dataclass(frozen=True, slots=True)
class WrittenArtifact:
    """An archive that is there.

    Attributes:
        sha256: That of the whole file.
    """

    path: Path
    size_bytes: int
    sha256: str


def default_output(plan: ArtifactPlan, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where an archive goes when nobody says it: to ``builds/`` of the local directory."""
    return local_directory(environ) / "builds" / plan.file_name


def write_artifact(
    plan: ArtifactPlan,
    output: str | os.PathLike[str] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> WrittenArtifact:
    """Write an archive in the place of the one that may be there; readers see the old or the new.

    Args:
        output: By default the `default_output`.

    Raises:
        ConflictError: When a file has changed since it was planned.
        ArtifactError: When the archive cannot be written; nothing is left behind.
    """
    path = default_output(plan, environ) if output is None else Path(output)
    try:
        if output is None:
            for directory in (path.parent.parent, path.parent):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A symbolic link stays one; unlike `Path.resolve`, this does not fail on a loop of them.
        place = Path(os.path.realpath(path))
        # Renaming would put a file in the place of a device such as /dev/stdout.
        if place.exists() and not place.is_file():
            raise ArtifactError(f"{path} is not a file.", hint="Name a file for the artifact.")
        size, digest = _replace(place, plan)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Name a file in a directory that is there and may be written to.",
        ) from error
    return WrittenArtifact(path, size, digest)


def _replace(place: Path, plan: ArtifactPlan) -> tuple[int, str]:
    temporary = place.with_name(f".dagy-{os.getpid()}-{os.urandom(4).hex()}.tmp")
    file = temporary.open("xb")
    try:
        with file:
            written = _write(file, plan)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    except BaseException:
        temporary.unlink()
        raise
    return written


def _write(file: BinaryIO, plan: ArtifactPlan) -> tuple[int, str]:
    digest, members, size = sha256(), [], 0
    for name, length, crc, chunks in _contents(plan):
        member = Member(name, length, crc, size)
        size = member.end
        members.append(member)
        for piece in (local_header(member), *chunks):
            digest.update(piece)
            file.write(piece)
    ending = directory_bytes(members)
    if size + len(ending) > MAX_ARTIFACT_BYTES:
        raise too_large()
    digest.update(ending)
    file.write(ending)
    return size + len(ending), digest.hexdigest()


def _contents(plan: ArtifactPlan) -> Iterator[tuple[str, int, int, Iterator[bytes]]]:
    documents = {
        MANIFEST_NAME: manifest_json(plan.manifest),
        SPEC_NAME: flow_spec_to_json(plan.flow_spec).encode("ascii"),
    }
    for name, document in documents.items():
        yield name, len(document), crc32(document), iter([document])
    for file in plan.files:
        yield SOURCES + file.path, file.size_bytes, file.crc, _unchanged(plan.root, file)


def _unchanged(root: Path, file: SourceFile) -> Iterator[bytes]:
    digest, size = sha256(), 0
    for chunk in read_chunks(root, file.path):
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if (size, digest.hexdigest()) != (file.size_bytes, file.sha256):
        raise ConflictError(
            f"{file.path} has changed while it was packed.", hint="Build again, when it is at rest."
        )
