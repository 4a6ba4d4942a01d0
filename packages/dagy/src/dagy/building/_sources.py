"""The files below a directory: found without following links, read in bounded pieces."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from dagy.artifacts._file_names import archive_name, file_name
from dagy.artifacts._limits import CHUNK_BYTES
from dagy.building._secrets import Secret, SecretSearch
from dagy_types.errors import ArtifactError

_MOST_ENTRIES = 200_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that goes into an archive.

    Attributes:
        path: From the directory of the flow's file on, with slashes.
    """

    path: str
    size_bytes: int
    sha256: str
    crc: int


def find_files(
    root: Path, *, may_enter: Callable[[str], bool], skipped: Collection[Path] = ()
) -> Iterator[str]:
    """Yield the path of each file, from the directory on.

    Links to directories are not followed, virtual environments not entered.

    Args:
        may_enter: Told the name of a directory.
        skipped: Files and directories to leave aside.

    Raises:
        ArtifactError: When a directory cannot be read, or there is too much in it.
    """
    waiting, count = [""], 0
    while waiting:
        prefix = waiting.pop()
        for entry in _entries(root / prefix):
            count += 1
            if count > _MOST_ENTRIES:
                raise ArtifactError(
                    f"There are more than {_MOST_ENTRIES} files below {root}.",
                    hint="Move the flow to a directory with only what belongs to it.",
                )
            path = f"{prefix}{entry.name}"
            if root / path in skipped:
                continue
            if not entry.is_dir(follow_symlinks=False):
                if not _is_linked_directory(entry):
                    yield archive_name(path)
            elif may_enter(entry.name) and not os.path.lexists(root / path / "pyvenv.cfg"):
                waiting.append(f"{path}/")


def inspect_file(root: Path, path: str) -> tuple[SourceFile, Secret | None]:
    """Read a file; return what it is, and the first secret that seems to be in it.

    Raises:
        ArtifactError: When it cannot be read, is no file, or a link that leads elsewhere.
    """
    digest, checksum, size, search = sha256(), 0, 0, SecretSearch()
    for chunk in read_chunks(root, path):
        digest.update(chunk)
        checksum = crc32(chunk, checksum)
        size += len(chunk)
        search.feed(chunk)
    return SourceFile(path, size, digest.hexdigest(), checksum), search.found


def total_size(root: Path, paths: Iterable[str]) -> int:
    """Return how large these files are together; those that cannot be looked at do not count."""
    return sum(_size(root / file_name(path)) for path in paths)


def read_chunks(root: Path, path: str) -> Iterator[bytes]:
    """Yield the content of a file.

    Raises:
        ArtifactError: When it cannot be read, is no file, or a link that leads elsewhere.
    """
    place = root / file_name(path)
    try:
        real = Path(os.path.realpath(place))
        if place.is_symlink() and not real.is_relative_to(root):
            raise ArtifactError(
                f"{path} cannot be packed: it is a link that leads out of {root}.",
                hint="Put a copy of the file in its place.",
            )
        with _open(real, path) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror}.", hint="Mend it, or move it elsewhere."
        ) from error


def _open(real: Path, path: str) -> BinaryIO:
    # Without waiting: to open a pipe may take for ever.
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ArtifactError(
            f"{path} cannot be packed: it is not a file.", hint="Move it elsewhere."
        )
    return os.fdopen(descriptor, "rb")


def _size(place: Path) -> int:
    try:
        return place.stat().st_size
    except OSError:
        return 0


def _is_linked_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError as error:
        raise ArtifactError(
            f"{directory} cannot be read: {error.strerror}.",
            hint="Make it readable, or move the flow to a directory of its own.",
        ) from error
