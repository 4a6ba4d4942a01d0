"""Which release of dagy-store this is."""

from __future__ import annotations

import re

_NOT_INSTALLED = "0"


def release() -> str:
    """Return the version of the installed distribution; of a mere copy of the source, ``0``."""
    # Reading package metadata takes longer than all of the import, so only who asks pays for it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dagy-store")
    except PackageNotFoundError:
        return _NOT_INSTALLED


def is_at_least(mine: str, needed: str) -> bool:
    """Compare two releases by their numbers."""
    return _numbers(mine) >= _numbers(needed)


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
