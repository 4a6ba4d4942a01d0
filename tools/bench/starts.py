"""What whole processes cost, next to starting the interpreter."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_SHOWN_OF_ERRORS = 2000


class StartError(Exception):
    """A command that was to be timed has failed."""


def installed_environ(environ: Mapping[str, str] = os.environ, **variables: str) -> dict[str, str]:
    """Return environment variables as users have them, with some more.

    Where Python is told to write no bytecode, modules that were installed as they are developed
    would be compiled with each start; what pip installs is compiled.
    """
    kept = {name: each for name, each in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | variables


@dataclass(frozen=True)
class Command:
    """Something to type into a shell.

    Attributes:
        environ: Its environment variables; ``None`` for those of this process.
        prepare: Called before each start, outside of what is timed.
    """

    arguments: Sequence[str]
    environ: Mapping[str, str] | None = None
    prepare: Callable[[], object] | None = None


def median_seconds(
    commands: Mapping[str, Command], starts: int, *, rest_seconds: float = 0.0
) -> dict[str, float]:
    """Return how long each command takes from start to end.

    The commands take turns, so that other load hits all alike; a first round is not counted.

    Args:
        rest_seconds: Before each command, so that what one leaves to do behind it hits no other.

    Raises:
        StartError: When a command fails.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(starts + 1):
        for name, command in commands.items():
            time.sleep(rest_seconds)
            seconds[name].append(seconds_of(command))
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}


def seconds_of(command: Command) -> float:
    """Return how long a command takes.

    Raises:
        StartError: When it fails.
    """
    if command.prepare is not None:
        command.prepare()
    start = time.perf_counter()
    done = subprocess.run(
        command.arguments,
        env=command.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        shown = " ".join(command.arguments)
        said = done.stderr.strip()[-_SHOWN_OF_ERRORS:]
        raise StartError(f"{shown}: exit status {done.returncode}\n{said}")
    return seconds


def rows(seconds: Mapping[str, float]) -> list[list[str]]:
    """Return a row for each command: its name, its time, and how many times the first's that is."""
    base = next(iter(seconds.values()))
    return [
        [name, f"{each * 1e3:,.1f} ms", f"{each / base:,.1f}x"] for name, each in seconds.items()
    ]
