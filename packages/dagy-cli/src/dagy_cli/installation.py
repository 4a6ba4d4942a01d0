"""What is installed here, and what it runs on."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "dagy",
    "dagy-cli",
    "dagy-types",
    "dagy-store",
    "dagy-auth",
    "dagy-client",
    "dagy-server",
)
"""The distributions of Dagy; the last is for machines that run a control plane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Versions.

    Attributes:
        packages: By name; ``None`` for one that is not installed.
    """

    packages: Mapping[str, str | None]
    python: str
    sqlite: str
    platform: str

    def document(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return asdict(self)


def installation() -> Installation:
    """Look around."""
    return Installation(
        packages={name: _version_of(name) for name in PACKAGES},
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        platform=platform.platform(),
    )


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
