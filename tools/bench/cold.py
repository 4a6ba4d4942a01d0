"""What a flow of three tasks costs from a cold shell, next to starting the interpreter.

    hatch run bench:cold
    hatch run bench:cold --starts 30 --peers

Prints the median wall time of whole processes, taken in turns, and its ratio to ``python -c pass``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from machine import described
from peers.environments import REQUIREMENTS, environ, install
from starts import Command, StartError, installed_environ, median_seconds, rows
from table import aligned

_FLOWS = Path(__file__).with_name("three_tasks")
_AFTER_FILE = {"metaflow": ("--quiet", "--no-pylint", "run")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=10, help="starts of each command")
    parser.add_argument("--peers", action="store_true", help="also python FLOW.py of other engines")
    parser.add_argument("--peers-dir", type=Path, default=Path(".bench-peers"))
    arguments = parser.parse_args()
    print(described() + "\n")
    with tempfile.TemporaryDirectory() as home:
        commands = own_commands(Path(home))
        if arguments.peers:
            commands |= peer_commands(tuple(REQUIREMENTS), arguments.peers_dir, Path(home))
        print(aligned(rows(median_seconds(commands, arguments.starts))))


def own_commands(home: Path) -> dict[str, Command]:
    """Return the bare interpreter and `dagy run`, with a record that is there and without one."""
    run = [sys.executable, "-m", "dagy_cli", "run", f"{_FLOWS / 'dagy_flow.py'}:three"]
    variables = installed_environ(DAGY_LOCAL_DIR=str(home / "dagy"))
    new = home / "new"
    forget = partial(shutil.rmtree, new, ignore_errors=True)
    return {
        "python -c pass": Command([sys.executable, "-c", "pass"]),
        "dagy --version": Command([sys.executable, "-m", "dagy_cli", "--version"], variables),
        "dagy run": Command(run, variables),
        "dagy run, the first": Command(run, installed_environ(DAGY_LOCAL_DIR=str(new)), forget),
    }


def peer_commands(peers: Sequence[str], directory: Path, home: Path) -> dict[str, Command]:
    """Return the commands of other engines, installed if they are not yet."""
    commands = {}
    for peer in peers:
        file = str(_FLOWS / f"{peer}_flow.py")
        arguments = [install(peer, directory), file, *_AFTER_FILE.get(peer, ())]
        commands[peer] = Command(arguments, environ(home / peer))
    return commands


if __name__ == "__main__":
    try:
        main()
    except StartError as error:
        sys.exit(f"cold.py: {error}")
