"""Which release of dagy-store this is."""

from __future__ import annotations

import re

# Also in pyproject.toml, as a test knows: a new store says what made it, and reading package
# metadata would be a tenth of the first short run on a machine.
RELEASE = "0.1.0"


def is_at_least(mine: str, needed: str) -> bool:
    """Compare two releases by their numbers."""
    return _numbers(mine) >= _numbers(needed)


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
