"""Processes by their number: which one it is, and its end with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import NamedTuple


class Leader(NamedTuple):
    """A process that leads a group.

    Attributes:
        started_at: By which a later one of the same number is told apart.
    """

    process_id: int
    started_at: str


def leader_of(process_id: int) -> Leader:
    """Return the leader of a group that there is."""
    return Leader(process_id, started_at(process_id))


def started_at(process_id: int) -> str:
    """Return when a process was started, by which a later one of the same number is told apart.

    It is empty when there is no such process.
    """
    found = subprocess.run(  # noqa: S603 - no shell
        ["ps", "-o", "lstart=", "-p", str(process_id)],  # noqa: S607 - where a system has it
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TZ": "UTC0", "LC_ALL": "C"},  # the same text for whoever asks
    )
    return found.stdout.strip()


def kill_group(process_id: int) -> None:
    """Kill the group that a process leads, if there is anybody left in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process_id, signal.SIGKILL)
