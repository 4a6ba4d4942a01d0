"""A directory that appears with all its files, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dagy.artifacts._file_names import file_name
from dagy_types.errors import ArtifactError, ConflictError

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Give a private directory that takes its place at the end, unless something is raised.

    Raises:
        ConflictError: When something is in that place.
        ArtifactError: When it cannot be made or written.
    """
    if os.path.lexists(target):
        raise _taken(target)
    try:
        prefix = f".{target.name[:100]}-"
        work = Path(tempfile.mkdtemp(prefix=prefix, suffix=".tmp", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield work
        work.chmod(0o755)
        if os.path.lexists(target):  # a rename would take the place of an empty directory
            raise _taken(target)
        work.rename(target)
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(target, error) from error
        raise


def write_new_file(directory: Path, name: str, chunks: Iterable[bytes]) -> None:
    """Write a file below a directory that nobody else can change.

    Args:
        name: Already known to lead nowhere else.
    """
    place = directory / file_name(name)
    for parent in reversed(place.relative_to(directory).parents[:-1]):
        if not (directory / parent).exists():
            (directory / parent).mkdir()
            (directory / parent).chmod(0o755)  # whatever the umask is
    with os.fdopen(os.open(place, _CREATE, 0o600), "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        os.fchmod(file.fileno(), 0o644)


def _taken(target: Path) -> ConflictError:
    return ConflictError(
        f"{target} is already there.", hint="Unpack to a place where there is nothing."
    )


def _unwritable(target: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"The artifact cannot be unpacked to {target}: {error.strerror}.",
        hint="Name a new directory in one that is there and may be written to.",
    )
