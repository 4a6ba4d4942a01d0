"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version


def described(*distributions: str) -> str:
    """Return the versions, also of these distributions, and the shape of this machine."""
    load = os.getloadavg()[0]
    versions = "".join(f"{each} {version(each)}, " for each in distributions)
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}"
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {load:.1f}"
    )
