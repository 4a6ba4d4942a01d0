"""Environments with what flows need: one for each set of requirements, made once.

What an environment lacks, it finds beside the server: dagy itself, above all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from dagy_server.execution.requirements import Requirements
from dagy_types.errors import ArtifactError

_SHOWN_LINES = 5


def python_with(requirements: Requirements | None, environments: Path) -> str:
    """Return a Python that has what a flow needs; it may have to be installed first.

    Raises:
        ArtifactError: When it cannot be installed.
    """
    if requirements is None:
        return sys.executable
    key = _key(requirements)
    environments.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = environments / key
    python = place / "bin" / "python"
    with _locked(environments / f"{key}.lock") as lock:
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)  # of one that was not finished
            _make(place, requirements, lock)
            (place / "ready").touch()
    return str(python)


def _key(requirements: Requirements) -> str:
    parts = (requirements.text, sys.version, sys.prefix, version("dagy"))
    return sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:32]


def _make(place: Path, requirements: Requirements, lock: int) -> None:
    _run([sys.executable, "-m", "venv", str(place)], lock)
    (packages,) = place.glob("lib/python*/site-packages")
    lines = [f"import site; site.addsitedir({each!r})" for each in _own_packages()]
    (packages / "beside_the_server.pth").write_text("\n".join(lines) + "\n")
    python = str(place / "bin" / "python")
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    _run([python, "-m", "pip", "install", *options, *requirements.arguments], lock)


def _own_packages() -> list[str]:
    return [each for each in site.getsitepackages() if Path(each).is_dir()]


def _run(command: list[str], lock: int) -> None:
    # It holds the lock as well: should its parent be killed, nobody else comes in between.
    ended = subprocess.run(  # noqa: S603 - no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
        check=False,
    )
    if ended.returncode:
        lines = [line for line in ended.stdout.splitlines() if line.strip()]
        raise ArtifactError(
            "The requirements of the flow cannot be installed: "
            + " / ".join(lines[-_SHOWN_LINES:] or [f"pip ended with status {ended.returncode}"]),
            hint="Mend the file of requirements, and deploy again.",
        )


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
