"""What starting the command costs, next to starting the interpreter.

    hatch run bench:cli
    hatch run bench:cli --starts 50 --runs 10000
    hatch run bench:cli --peers

Prints the median wall time of whole processes, taken in turns, and its ratio to ``python -c pass``.
With ``--peers``, also of what other engines' commands take to say their version, and their help.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from machine import described
from peers.environments import COMMAND_LINES, environ, install
from starts import Command, StartError, installed_environ, median_seconds, rows
from table import aligned

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Run, RunEnd, RunStatus

_WORDS_OF_PEERS = {"airflow": ("version", "--help"), "metaflow": ("--help",)}
FLOW = Path(__file__).with_name("three_tasks") / "dagy_flow.py"


def fill(directory: str, runs: int) -> None:
    """Record runs that have ended."""
    spec = FlowSpec(name="benchmark")
    now = datetime.now(timezone.utc)
    with LocalMetadataStore(directory) as store:
        for number in range(runs):
            run_id = f"r{number:011}"
            run = Run(
                run_id=run_id,
                flow_name=spec.name,
                flow_version=spec.version,
                status=RunStatus.RUNNING,
                created_at=now,
                started_at=now,
            )
            store.create_run(run, spec)
            store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=now))


def peer_commands(directory: Path, home: Path) -> dict[str, Command]:
    """Return the commands of other engines, installed if they are not yet."""
    commands = {}
    for peer in COMMAND_LINES:
        command = str(Path(install(peer, directory)).with_name(peer))
        for words in _WORDS_OF_PEERS.get(peer, ("--version", "--help")):
            commands[f"{peer} {words}"] = Command([command, words], environ(home / peer))
    return commands


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=20, help="starts of each command")
    parser.add_argument("--runs", type=int, default=1000, help="runs in the store that is listed")
    parser.add_argument("--peers", action="store_true", help="also the commands of other engines")
    parser.add_argument("--peers-dir", type=Path, default=Path(".bench-peers"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        fill(directory, arguments.runs)
        environ = installed_environ(DAGY_LOCAL_DIR=directory)
        commands = {"python -c pass": Command([sys.executable, "-c", "pass"])}
        for name, words in {
            "dagy --version": ["--version"],
            "dagy --help": ["--help"],
            "dagy runs list": ["runs", "list"],
            "completion of run ids": ["__complete", "runs", "show", ""],
            "dagy run, three tasks": ["--quiet", "run", f"{FLOW}:three"],
        }.items():
            commands[name] = Command([sys.executable, "-m", "dagy_cli", *words], environ)
        if arguments.peers:
            commands |= peer_commands(arguments.peers_dir, Path(directory))
        seconds = median_seconds(commands, arguments.starts)
    print(f"{described()}; {arguments.runs} runs\n")
    print(aligned(rows(seconds)))


if __name__ == "__main__":
    try:
        main()
    except StartError as error:
        sys.exit(f"cli.py: {error}")
