"""Archives on the disk of this machine: read and written in pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from pathlib import Path

from dagy_types.errors import ArtifactError, NotFoundError

CHUNK_BYTES = 1024 * 1024

OnProgress = Callable[[int, int], None]
"""Is told how many bytes are done, of how many; after each piece, from whichever thread."""


def size_and_hash(path: Path) -> tuple[int, str]:
    """Return the size of a file and its SHA-256 in hexadecimal.

    Raises:
        NotFoundError: When there is no such file.
        ArtifactError: When it cannot be read.
    """
    size = 0
    digest = sha256()
    with file_errors(path), path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            digest.update(chunk)
    return size, digest.hexdigest()


def pieces(path: Path, size: int, on_progress: OnProgress | None) -> Iterator[bytes]:
    """Yield what is in a file that has this size.

    Raises:
        ArtifactError: When it has got another one, or cannot be read.
    """
    sent = 0
    with file_errors(path), path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sent += len(chunk)
            if sent > size:
                break
            yield chunk
            if on_progress is not None:
                on_progress(sent, size)
    if sent != size:
        raise ArtifactError(
            f"{path} was changed while it was sent.", hint="Leave it alone until then."
        )


def part_of(path: Path, artifact_id: str) -> Path:
    """Return where the beginning of an archive is kept until all of it is there."""
    name = sha256(artifact_id.encode()).hexdigest()[:16]
    return path.with_name(f".{path.name}.{name}.part")


def size_of(path: Path) -> int:
    """Return the size of a file, 0 when there is none.

    Raises:
        ArtifactError: When it cannot be looked at.
    """
    with file_errors(path):
        return path.stat().st_size if path.exists() else 0


def open_at(path: Path, offset: int) -> FileIO:
    """Open a file for writing from this place on; what it has there already is cut off.

    Raises:
        ArtifactError: When it cannot be written.
    """
    with file_errors(path):
        # Without a buffer, so that closing it has nothing left to fail at.
        file = FileIO(path, "r+" if offset else "w")
        try:
            file.seek(offset)
            file.truncate()
        except OSError:
            file.close()
            raise
        return file


def write(file: FileIO, path: Path, chunk: bytes) -> None:
    """Add a piece.

    Raises:
        ArtifactError: When the disk is full, or fails.
    """
    with file_errors(path):
        rest = memoryview(chunk)
        while rest:
            rest = rest[file.write(rest) :]


def sync(file: FileIO, path: Path) -> None:
    """Return once everything is on the disk.

    Raises:
        ArtifactError: When the disk is full, or fails.
    """
    with file_errors(path):
        os.fsync(file.fileno())


def publish(part: Path, path: Path) -> None:
    """Give a whole archive its name.

    Raises:
        ArtifactError: When that cannot be.
    """
    with file_errors(path):
        part.replace(path)


def discard(part: Path) -> None:
    """Remove what is of no use."""
    part.unlink(missing_ok=True)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into one of ours that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise NotFoundError(f"There is no {path}.", hint="Check the path.") from None
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read or written: {error.strerror or error}.",
            hint="Check its permissions and the room on that disk.",
        ) from error
