"""The report of an unexpected error: what a maintainer needs, without the user's values."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path

from dagy_types.errors import DagyError

_DISTRIBUTIONS = (
    *("dagy-cli", "dagy", "dagy-store", "dagy-auth", "dagy-types"),
    *("httpx", "keyring", "tabulate", "pyyaml"),
)


def report_text(error: BaseException, words: Sequence[str]) -> str:
    """Return versions and the traceback; the values given with `--param` are blotted out."""
    versions = [f"{name} {_version_of(name)}" for name in _DISTRIBUTIONS]
    system = f"Python {platform.python_version()} on {platform.platform()}"
    text = "".join(traceback.format_exception(error))
    for value in _parameter_values(words):
        text = text.replace(value, "[parameter]")
    return "\n".join([*versions, system, "", text])


def write_report(text: str, environ: Mapping[str, str]) -> str:
    """Write the report where only its owner can read it, and say where that is."""
    try:
        return str(_write_in_local_directory(text, environ))
    except (OSError, DagyError, ImportError):
        pass  # the local directory may be what is broken
    try:
        descriptor, path = tempfile.mkstemp(prefix="dagy-report-", suffix=".txt")
        _write_to(descriptor, text)
    except OSError as error:
        return f"none could be written ({error.strerror})"
    return path


def _write_in_local_directory(text: str, environ: Mapping[str, str]) -> Path:
    from dagy_store import local_directory

    directory = local_directory(environ) / "reports"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = directory / f"{moment}-{os.getpid()}.txt"
    _write_to(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), text)
    return path


def _write_to(descriptor: int, text: str) -> None:
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _parameter_values(words: Sequence[str]) -> list[str]:
    given = [word.removeprefix("--param=") for word in words if word.startswith("--param=")]
    given += [after for word, after in pairwise(words) if word == "--param"]
    values = (text.partition("=")[2] for text in given)
    return [value for value in values if value]
