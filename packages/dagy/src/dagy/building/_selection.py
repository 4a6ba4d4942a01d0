"""Which of the files below a directory go into an archive."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dagy.artifacts._manifest import is_archive_name
from dagy.artifacts._names import name_clash, name_problem
from dagy.building._exclusions import is_junk, is_never_packed, may_hold_secrets
from dagy.building._patterns import Pattern
from dagy_types.errors import ArtifactError, UsageError

_REQUIREMENTS = re.compile(
    r"requirements[\w.-]*\.(?:txt|in|lock)|pyproject\.toml|pylock(?:\.[\w-]+)?\.toml"
    r"|(?:uv|poetry|pdm)\.lock|Pipfile(?:\.lock)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was asked for, by a pattern with wildcards, and stays out.

    Attributes:
        reason: Why, as what the file is.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes in, in order, and what was kept out on purpose."""

    paths: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def select_files(
    paths: Iterable[str],
    *,
    entry: str,
    patterns: Sequence[Pattern] = (),
    allowed: Collection[str] = (),
) -> Selection:
    """Choose: all Python files, the requirements, and what the patterns name.

    Args:
        paths: Every file there is, from the directory on.
        entry: The file of the flow, which goes in whatever its name is.
        allowed: Files that go in though their names are those of files with secrets.

    Raises:
        UsageError: When a pattern matches nothing.
        ArtifactError: When a file that must go in cannot.
    """
    wanted = {path for path in paths if path == entry or _is_wanted(path, patterns)}
    _require_matches(patterns, wanted)
    left_out = {path: reason for path in wanted if (reason := _objection(path, allowed))}
    for path, reason in sorted(left_out.items()):
        if any(pattern.text == path for pattern in patterns):
            raise _refused(path, reason)
    chosen = sorted(wanted - left_out.keys())
    _require_portable(chosen)
    return Selection(tuple(chosen), tuple(LeftOut(*each) for each in sorted(left_out.items())))


def is_requirements(path: str) -> bool:
    """Tell whether a file says what has to be installed."""
    return _REQUIREMENTS.fullmatch(path) is not None


def may_enter(directory: str, patterns: Sequence[Pattern]) -> bool:
    """Tell whether anything in a directory of this name can be wanted."""
    if is_never_packed(directory):
        return False
    return not is_junk(directory) or any(directory in each.literal_parts for each in patterns)


def _is_wanted(path: str, patterns: Sequence[Pattern]) -> bool:
    parts = path.split("/")
    if any(map(is_never_packed, parts)):
        return False
    junk = {part for part in parts if is_junk(part)}
    if not junk and (path.endswith(".py") or is_requirements(path)):
        return True
    return any(junk <= each.literal_parts and each.matches(path) for each in patterns)


def _objection(path: str, allowed: Collection[str]) -> str | None:
    if is_archive_name(path):
        return "an archive"
    if may_hold_secrets(path) and path not in allowed:
        return "a file that may hold secrets"
    return None


def _require_matches(patterns: Sequence[Pattern], wanted: Collection[str]) -> None:
    for pattern in patterns:
        if not any(map(pattern.matches, wanted)):
            raise UsageError(
                f"{pattern.text!r} matches no file that can be packed.",
                hint="Patterns start at the directory of the flow's file; quote them in a shell.",
            )


def _refused(path: str, reason: str) -> ArtifactError:
    if is_archive_name(path):
        hint = "Unpack it, and include what was in it."
    else:
        hint = f"Leave it out; or if it holds none, pack it: --allow-secret {shlex.quote(path)}"
    return ArtifactError(f"{path} cannot be packed: it is {reason}.", hint=hint)


def _require_portable(paths: Sequence[str]) -> None:
    for path in paths:
        # Checked as it will be in the archive, a few characters longer.
        problem = "is not UTF-8" if not _is_utf8(path) else name_problem(f"src/{path}")
        if problem is not None:
            raise ArtifactError(
                f"{path!a} cannot be packed: its name {problem}.", hint="Rename it."
            )
    clash = name_clash(paths)
    if clash is not None:
        raise ArtifactError(
            f"{clash[0]} and {clash[1]} cannot both be packed: some systems take their names for "
            "the same.",
            hint="Rename one of them.",
        )


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
