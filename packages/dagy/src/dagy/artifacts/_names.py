"""Names of files in an archive: those that mean the same one file on every system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from dagy.artifacts._limits import MAX_NAME_BYTES, MAX_NAME_PARTS

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
_SPECIAL = frozenset('\\:*?"<>|')
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a file, as the end of "its name …"; or nothing."""
    if any(unicodedata.category(each) in _HIDDEN_CATEGORIES for each in name):
        return "has characters that cannot be seen"
    special = sorted(_SPECIAL.intersection(name))
    if special:
        return f"has {special[0]!r} in it, which has another meaning on some systems"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"has more than {MAX_NAME_BYTES} bytes"
    if name.startswith("/"):
        return "starts at the root of the file system"
    parts = name.split("/")
    if len(parts) > MAX_NAME_PARTS:
        return f"has more than {MAX_NAME_PARTS} parts"
    return next(filter(None, map(_part_problem, parts)), None)


def name_clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Return two names that some system would take for one, or for a file and a directory."""
    # Where a file and what would be in a directory of its name are neighbours.
    ordered = sorted(names, key=lambda name: _folded(name).replace("/", "\0"))
    for before, after in pairwise(ordered):
        if _do_clash(before.split("/"), after.split("/")):
            return before, after
    return None


def _part_problem(part: str) -> str | None:
    if part == "":
        return "has an empty part"
    if part in (".", ".."):
        return f"has the part {part!r}"
    if part[-1] in ". ":
        return "has a part that ends with a dot or a space"
    if part.partition(".")[0].rstrip().casefold() in _DEVICES:
        return "has a part that is a device on Windows"
    return None


def _do_clash(before: list[str], after: list[str]) -> bool:
    for one, other in zip(before, after, strict=False):
        if _folded(one) != _folded(other):
            return False
        if one != other:
            return True
    return True


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
