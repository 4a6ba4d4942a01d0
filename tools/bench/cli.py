"""What starting the command costs, next to starting the interpreter.

    hatch run bench:cli
    hatch run bench:cli --starts 50 --runs 10000

Prints the median wall time of whole processes, taken in turns, and its ratio to ``python -c pass``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Run, RunEnd, RunStatus

FLOW = """
from dagy import flow, task

@task
def step(value=0):
    return value

@flow
def three():
    return step(step(step()))
"""


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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=20, help="starts of each command")
    parser.add_argument("--runs", type=int, default=1000, help="runs in the store that is listed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        fill(directory, arguments.runs)
        flow_file = f"{directory}/three.py"
        with open(flow_file, "w") as file:  # noqa: PTH123  one line
            file.write(FLOW)
        dagy = [sys.executable, "-m", "dagy_cli"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "dagy --version": [*dagy, "--version"],
            "dagy --help": [*dagy, "--help"],
            "dagy runs list": [*dagy, "runs", "list"],
            "dagy run, three tasks": [*dagy, "--quiet", "run", f"{flow_file}:three"],
        }
        seconds = measure(commands, arguments.starts, os.environ | {"DAGY_LOCAL_DIR": directory})
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {arguments.runs} runs\n")
    base = statistics.median(seconds["python -c pass"])
    for name, each in seconds.items():
        median = statistics.median(each)
        print(f"{name:24}{median * 1e3:8.1f} ms{median / base:8.2f}x")


def measure(
    commands: dict[str, list[str]], starts: int, environ: dict[str, str]
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(starts):
        for name, command in commands.items():  # in turns: other load hits all alike
            start = time.perf_counter()
            subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
