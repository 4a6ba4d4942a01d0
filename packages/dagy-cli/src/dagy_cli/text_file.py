"""Files that the user asks for: whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from dagy_types.errors import ArtifactError


def write_text_file(path: str, text: str, *, option: str) -> None:
    """Write a file, in the place of the one that is there; readers see the old or the new one.

    Args:
        option: Which option named the file.

    Raises:
        ArtifactError: When it cannot be written; nothing is left behind.
    """
    try:
        # A symbolic link stays one; unlike `Path.resolve`, this does not fail on a loop of them.
        place = Path(os.path.realpath(path))
        # Renaming would put a file in the place of a device such as /dev/stdout.
        is_taken = place.exists() and not place.is_file()
        if not is_taken:
            _replace(place, text)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be written: {error.strerror}.", hint=f"Check {option}."
        ) from error
    if is_taken:
        raise ArtifactError(f"{path} is not a file.", hint=f"Name a file with {option}.")


def _replace(place: Path, text: str) -> None:
    temporary = place.with_name(f".dagy-{os.getpid()}.tmp")
    file = temporary.open("x", encoding="utf-8")
    try:
        with file:
            if place.exists():
                os.fchmod(file.fileno(), place.stat().st_mode & 0o777)
            file.write(text)
        temporary.replace(place)
    except BaseException:
        temporary.unlink()
        raise
