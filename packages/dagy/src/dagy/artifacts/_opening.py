"""`open_artifact`: an archive whose layout and manifest are sound."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from dagy.artifacts._contents import checked_chunks, read_list, read_own_manifest, read_spec
from dagy.artifacts._layout import Member
from dagy.artifacts._limits import CHUNK_BYTES, MAX_ARTIFACT_BYTES
from dagy.artifacts._manifest import Manifest
from dagy.artifacts._refusal import Refusal
from dagy.artifacts._unpacking import new_directory, write_new_file
from dagy_types import FlowSpec
from dagy_types.errors import ArtifactError, NotFoundError


class Artifact:
    """An open archive; `open_artifact` gives one.

    Attributes:
        manifest: What it says is in it.
        flow_spec: The graph that the flow had when it was built.
    """

    def __init__(self, file: BinaryIO, name: str, *, max_bytes: int) -> None:
        self._file = file
        self._name = name
        with self._refusals():
            self._members = read_list(file, limit=max_bytes)
            self.manifest: Manifest = read_own_manifest(file, self._members)
            self.flow_spec: FlowSpec = read_spec(file, self._members, self.manifest)
        self._hashes = {each.path: each.sha256 for each in self.manifest.files}

    def sha256(self) -> str:
        """Return the SHA-256 of the whole archive, as it is now."""
        with self._refusals():
            digest = sha256()
            self._file.seek(0)
            while chunk := self._file.read(CHUNK_BYTES):
                digest.update(chunk)
            return digest.hexdigest()

    def verify(self, *, sha256: str | None = None) -> None:
        """Check every byte of it.

        Args:
            sha256: The hash that the whole archive should have, where that is known.

        Raises:
            ArtifactError: When a header, a size or a hash is not as the manifest says.
        """
        if sha256 is not None and self.sha256() != sha256.lower():
            raise _refused(self._name, "the SHA-256 of the whole is not the expected one")
        for member in self._members:
            for _ in self._chunks(member):
                pass

    def unpack(self, target: str | os.PathLike[str]) -> Path:
        """Verify it, and then write its files into a new directory, whose path is returned.

        The directory appears with all of them, or not at all. Nothing is written before
        everything is verified, and every byte is verified again as it is written.

        Raises:
            ArtifactError: When it is not sound, or the directory cannot be written.
            ConflictError: When something is in the directory's place.
        """
        place = Path(target)
        self.verify()
        with new_directory(place) as work:
            for member in self._members:
                write_new_file(work, member.name, self._chunks(member))
        return place

    def _chunks(self, member: Member) -> Iterator[bytes]:
        with self._refusals():
            yield from checked_chunks(self._file, member, self._hashes.get(member.name))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except Refusal as refusal:
            # Its frames, and those of what led to it, hold all that was read of the archive.
            refusal.__traceback__ = refusal.__context__ = None
            raise _refused(self._name, str(refusal)) from None
        except OSError as error:
            raise _unreadable(self._name, error) from error


@contextmanager
def open_artifact(
    source: str | os.PathLike[str] | BinaryIO, *, max_bytes: int = MAX_ARTIFACT_BYTES
) -> Iterator[Artifact]:
    """Open an archive; its layout, manifest and flow spec are checked, its other files are not yet.

    Nothing in it is imported or run. It takes little memory, whatever the archive holds.

    Args:
        source: The path of the archive, or a file that is open for reading and can seek.
        max_bytes: A larger archive is refused.

    Raises:
        NotFoundError: When there is no such file.
        ArtifactError: When it is not an archive as `dagy.build_artifact` makes them.
    """
    if not isinstance(source, (str, os.PathLike)):
        name = getattr(source, "name", None)  # a number, where a file has no name
        shown = name if isinstance(name, str) else "The file"
        yield Artifact(source, shown, max_bytes=max_bytes)
        return
    with _open_file(Path(source)) as file:
        yield Artifact(file, str(source), max_bytes=max_bytes)


def _open_file(path: Path) -> BinaryIO:
    try:
        # Without waiting: to open a pipe may take for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", hint="Make one: dagy build.") from None
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refused(str(path), "it is not a file")
    return os.fdopen(descriptor, "rb")


def _refused(name: str, reason: str) -> ArtifactError:
    return ArtifactError(
        f"{name} is refused: {reason}.", hint="Build it again with this version of dagy build."
    )


def _unreadable(name: str, error: OSError | ValueError) -> ArtifactError:
    reason = getattr(error, "strerror", "its name has a NUL character in it")
    return ArtifactError(
        f"{name} cannot be read: {reason}.", hint="Give the path of a file that may be read."
    )
