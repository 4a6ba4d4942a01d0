"""Which release this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version as installed_version


@cache
def version() -> str:
    """Return the version of the installed distribution."""
    return installed_version("dagy-server")
