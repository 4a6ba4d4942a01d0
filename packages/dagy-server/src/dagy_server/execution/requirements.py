"""What a flow needs to have installed, as the files in its archive say."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagy_types.errors import ArtifactError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_IN_ORDER = ("requirements.lock", "requirements.txt", "pyproject.toml")
"""The files that are understood; the first one that is there counts."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What pip is asked for.

    Attributes:
        arguments: Of ``pip install``.
        text: All that they say: the same text is the same environment.
    """

    arguments: tuple[str, ...]
    text: str


def requirements_of(directory: Path, files: Sequence[str]) -> Requirements | None:
    """Return what has to be installed; ``None`` when that is nothing.

    Args:
        directory: Where the archive is unpacked.
        files: Those in it that say what to install, from there on.

    Raises:
        ArtifactError: When a file cannot be understood.
    """
    by_name = {Path(each).name: directory / each for each in files}
    path = next((by_name[name] for name in _IN_ORDER if name in by_name), None)
    if path is None:
        return None
    try:
        text = path.read_text("utf-8")
        if path.name == "pyproject.toml":
            return _of_project(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"{path.name} of the flow cannot be read: {error}.", hint="Mend it, and deploy again."
        ) from error
    return Requirements(("-r", str(path)), text) if _says_something(text) else None


def _of_project(text: str) -> Requirements | None:
    found = tomllib.loads(text).get("project", {}).get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise TypeError("project.dependencies is no list of texts")
    return Requirements(("--", *found), "\n".join(found)) if found else None


def _says_something(text: str) -> bool:
    return any(line.strip() and not line.strip().startswith("#") for line in text.splitlines())
