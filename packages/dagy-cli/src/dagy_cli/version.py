"""The version that `dagy --version` prints: that of the installed distribution `dagy`."""

from __future__ import annotations

import os
import sys


def version_line() -> str:
    """Return what `dagy --version` prints."""
    return f"dagy {dagy_version(sys.path)}\n"


def dagy_version(search_path: list[str]) -> str:
    """Return the version in the metadata of the distribution `dagy`.

    `importlib.metadata` finds the same file, but importing it takes several times as long as all
    else that `--version` does. It remains the way for installations of unusual shape.

    Raises:
        importlib.metadata.PackageNotFoundError: When `dagy` is not installed.
    """
    for directory in search_path:
        version = _version_in(directory or os.curdir)
        if version is not None:
            return version
    from importlib.metadata import version as metadata_version

    return metadata_version("dagy")


def _version_in(directory: str) -> str | None:
    try:
        names = os.listdir(directory)  # noqa: PTH208 (pathlib costs more than the whole search)
    except OSError:  # not a directory: a zip file, or an entry that does not exist
        return None
    for name in names:
        if name.startswith("dagy-") and name.endswith(".dist-info"):
            with open(f"{directory}/{name}/METADATA", encoding="utf-8") as metadata:  # noqa: PTH123
                for line in metadata:
                    if line.startswith("Version: "):
                        return line.removeprefix("Version: ").strip()
    return None
