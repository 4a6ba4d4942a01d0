"""A PostgreSQL of Debian's packages, started for the tests and thrown away after them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_INSTALLED = Path("/usr/lib/postgresql")
_USER = "postgres"  # PostgreSQL refuses to run as root

PACKAGES = "postgresql"
"""What has to be installed: `apt-get install postgresql`."""


def is_installed() -> bool:
    """Tell whether there is a PostgreSQL to start."""
    return bool(_versions())


@contextmanager
def postgres_cluster() -> Iterator[str]:
    """Start a server that listens on a socket of its own; give the URL without a database."""
    binaries = _versions()[-1]
    directory = Path(tempfile.mkdtemp(prefix="dagy-postgres-"))
    try:
        user = _unprivileged(directory)
        data = str(directory / "data")
        _run([binaries / "initdb", "--auth=trust", "--username=dagy", "--no-sync", data], user)
        options = f"-k {directory} -c listen_addresses= -c fsync=off -c max_connections=200"
        start = [binaries / "pg_ctl", "-D", data, "-w", "-l", f"{data}/log", "-o", options, "start"]
        _run(start, user)
        try:
            yield f"postgresql://dagy@/{{}}?host={directory}"
        finally:
            _run([binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(directory)


def _versions() -> list[Path]:
    found = [each.parent for each in _INSTALLED.glob("*/bin/initdb")]
    return sorted(found, key=lambda each: int(each.parent.name))


def _unprivileged(directory: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    shutil.chown(directory, _USER)
    return _USER


def _run(command: list[Path | str], user: str | None) -> None:
    done = subprocess.run(
        command,
        user=user,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
