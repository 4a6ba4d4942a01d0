"""What is left on the disk of runs that did not succeed, removed once nobody will retry them."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from dagy_server.execution.places import Places, RunPlaces


def remove_old(places: Places, *, before: float) -> None:
    """Remove the directories and the logs of runs whose last worker began before a moment.

    A run that is retried later does all of its tasks again.

    Args:
        before: In seconds since 1970, as the times of files are.
    """
    for directory in _entries(places.runs):
        begun_at = _changed_at(RunPlaces(directory).holder) or _changed_at(directory)
        if begun_at < before:
            _remove_unless_held(RunPlaces(directory))
    for log in _entries(places.logs):
        if _changed_at(log) < before:
            log.unlink(missing_ok=True)


def _remove_unless_held(run: RunPlaces) -> None:
    descriptor = os.open(run.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(run.root, ignore_errors=True)  # what is left is removed the next time
    except BlockingIOError:
        pass  # a worker has it
    finally:
        os.close(descriptor)


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _changed_at(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0
