"""Names as archives have them, in UTF-8, and as Python has those of files, in any locale."""

from __future__ import annotations

import os


def archive_name(file_name: str) -> str:
    """Return how an archive writes the name of a file; bytes that are not UTF-8 stay surrogates."""
    return os.fsencode(file_name).decode("utf-8", "surrogateescape")


def file_name(archive_name: str) -> str:
    """Return how Python writes the name that an archive has for a file."""
    return os.fsdecode(archive_name.encode("utf-8", "surrogateescape"))
