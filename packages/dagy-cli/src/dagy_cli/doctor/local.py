"""What is on this machine: software, files, the record of runs, settings."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from dagy_cli.config_file import settings_of
from dagy_cli.doctor.finding import Finding
from dagy_cli.installation import installation
from dagy_cli.profiles import Flags
from dagy_cli.render.cells import counted
from dagy_store import local_directory
from dagy_store.maintenance import check
from dagy_types.errors import ConfigError, DagyError

_FIRST_WITH_FAULT, _LAST_WITH_FAULT = (3, 7, 0), (3, 51, 2)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PRIVATE = ("credentials", "credentials.json", "credentials.sealed.json", "dagy.db")


def software(environ: Mapping[str, str], profile: str | None) -> list[Finding]:  # noqa: ARG001
    """Return what is installed; the fault of SQLite that concerns a record is told."""
    found = installation()
    packages = ", ".join(f"{name} {text}" for name, text in found.packages.items() if text)
    sqlite = f"SQLite {found.sqlite}"
    if _FIRST_WITH_FAULT <= sqlite3.sqlite_version_info <= _LAST_WITH_FAULT:
        sqlite += ": can lose commits when checkpoints race; Dagy's are under a lock, so not here"
    return [
        Finding("versions", "ok", f"{packages}; Python {found.python} on {found.platform}"),
        Finding("sqlite", "ok", sqlite),
    ]


def local_files(environ: Mapping[str, str], profile: str | None) -> list[Finding]:  # noqa: ARG001
    """Return whether the local directory is there, can be written, and is for its owner alone."""
    try:
        directory = local_directory(environ)
    except ConfigError as error:
        return [Finding("directory", "problem", error.message, error.hint)]
    place = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        hint = "Check its owner and mode, or set DAGY_LOCAL_DIR."
        return [Finding("directory", "problem", f"{place} cannot be written.", hint)]
    if place != directory:
        return [Finding("directory", "ok", f"{directory} is not there yet; the first run makes it")]
    open_ones = list(_open_to_others(directory))
    if not open_ones:
        return [Finding("directory", "ok", f"{directory}, for its owner alone")]
    shown = " ".join(str(path) for path in open_ones)
    return [
        Finding(
            "directory",
            "warning",
            f"Others may read {shown}",
            hint=f"Run: chmod go-rwx {shown}",
        )
    ]


def record(environ: Mapping[str, str], profile: str | None) -> list[Finding]:  # noqa: ARG001
    """Return whether the record of runs is sound."""
    try:
        directory = local_directory(environ)
        if not (directory / "dagy.db").exists():
            return [Finding("record", "ok", "No run is recorded yet")]
        checked = check(directory)
    except DagyError as error:
        return [Finding("record", "problem", error.message, error.hint)]
    if not checked.problems:
        return [Finding("record", "ok", f"{counted(checked.runs, 'run')}, sound by a quick check")]
    return [
        Finding(
            "record",
            "problem",
            f"{counted(len(checked.problems), 'problem')}, the first: {checked.problems[0].what}",
            hint="Run: dagy store check --full",
        )
    ]


def configuration(environ: Mapping[str, str], profile: str | None) -> list[Finding]:
    """Return whether the settings can be used, and which profile and server they come to."""
    try:
        settings = settings_of(Flags(profile=profile), environ)
    except DagyError as error:
        return [Finding("configuration", "problem", error.message, error.hint)]
    name = "no profile" if settings.profile is None else f"profile {settings.profile.value!r}"
    place = "no server" if settings.api_url is None else settings.api_url.value
    return [Finding("configuration", "ok", f"{name}, {place}")]


def _open_to_others(directory: Path) -> Iterator[Path]:
    for path in (directory, *(directory / name for name in _PRIVATE)):
        if path.exists() and path.stat().st_mode & _OTHERS:
            yield path
