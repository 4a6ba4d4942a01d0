"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3


def described() -> str:
    """Return the versions and the shape of this machine in one line."""
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {load:.1f}"
    )
