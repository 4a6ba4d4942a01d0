"""Patterns that name files below a directory, as in ``sql/**/*.sql``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagy_types.errors import UsageError

_WILDCARDS = frozenset("*?[")
_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|[^*?]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path, or a path with wildcards; that of a directory stands for all that is in it.

    ``*`` and ``?`` stop at a slash, ``**`` stands for directories at any depth.
    """

    text: str
    expression: re.Pattern[str]

    @property
    def is_literal(self) -> bool:
        """Whether it names one path."""
        return _WILDCARDS.isdisjoint(self.text)

    @property
    def literal_parts(self) -> frozenset[str]:
        """The parts of it that are the same in all that it matches."""
        return frozenset(part for part in self.text.split("/") if _WILDCARDS.isdisjoint(part))

    def matches(self, path: str) -> bool:
        """Tell whether it names this file."""
        return self.expression.fullmatch(path) is not None


def pattern_of(text: str) -> Pattern:
    """Read a pattern.

    Raises:
        UsageError: When it is empty or leads out of the directory.
    """
    path = text.removeprefix("./").rstrip("/")
    if not path or path.startswith(("/", "~")) or ".." in path.split("/") or "\0" in path:
        raise UsageError(
            f"{text!r} names no files below the directory of the flow.",
            hint="Give a path or pattern from there on, for example 'sql/*.sql'.",
        )
    expression = "".join(_translated(piece) for piece in _PIECE.findall(path))
    # A directory is all that is in it; but `*` should not be all that is in directories.
    tree = "(?:/.*)?" if _WILDCARDS.isdisjoint(path) else ""
    return Pattern(path, re.compile(expression + tree, re.DOTALL))


def _translated(piece: str) -> str:
    if piece == "**/":
        return "(?:[^/]+/)*"
    if piece == "**":
        return ".*"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if len(piece) > 1:
        negation, members = ("^", piece[2:-1]) if piece[1] == "!" else ("", piece[1:-1])
        escaped = re.sub(r"([\\^\[\]&~|])", r"\\\1", members)
        return f"(?!/)[{negation}{escaped}]"
    return re.escape(piece)
