"""What a run costs at a server, compared with the same flow on this machine; how soon it begins.

    hatch run bench:remote
    hatch run bench:remote --tasks 100 --repetitions 3

The command runs a flow of many small tasks here, and a deployment of it at a server of its own, in
turns; each time counts from the start of the command to its end. A run begins with its first task:
that counts from the moment before its trigger, at a server that has had the flow before. Ends with
status 1 when the server takes more than 3 times as long, or a run begins after more than 1.5 s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from machine import described
from table import aligned

from dagy import build_artifact
from dagy.artifacts import open_artifact
from dagy_client import DagyClient
from dagy_server.testing import RunningServer, running_server
from dagy_types import RunStatus

_HIGHEST_RATIO = 3.0
_LONGEST_START_SECONDS = 1.5

_FLOW = """
from dagy import flow, task


@task
def double(number: int) -> int:
    return 2 * number


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@flow
def many(tasks: int = {tasks}) -> int:
    return total([double(number) for number in range(tasks - 1)])
"""


def main() -> int:
    """Parse the command line, measure, report."""
    arguments = _parser().parse_args()
    print(f"{described()}\n")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name).resolve()
        path = directory / "flow" / "many.py"
        path.parent.mkdir()
        path.write_text(_FLOW.format(tasks=arguments.tasks))
        with running_server(directory / "server") as server:
            _deploy(server, path, directory / "many.zip")
            here, there = _compare(server, path, directory, arguments.repetitions)
            starts = [_start_of_a_run(server) for _ in range(arguments.repetitions)]
    rows = [(f"seconds for {arguments.tasks:,} tasks", "median", "best", "worst")]
    rows += [
        (title, *(f"{each:.2f}" for each in (statistics.median(times), min(times), max(times))))
        for title, times in (
            ("dagy run many.py:many", here),
            ("dagy run many", there),
            ("from a trigger to the first task", starts),
        )
    ]
    print(aligned(rows))
    ratio = statistics.median(there) / statistics.median(here)
    print(f"\nAt the server it takes {ratio:.2f} times as long.")
    is_slow = statistics.median(starts) > _LONGEST_START_SECONDS
    return 1 if ratio > _HIGHEST_RATIO or is_slow else 0


def _deploy(server: RunningServer, path: Path, archive: Path) -> None:
    build_artifact(f"{path}:many", archive)
    with open_artifact(archive) as artifact:
        spec = artifact.flow_spec
    with DagyClient(server.url, server.api_key) as client:
        uploaded = client.artifacts.upload(archive)
        client.flows.register(spec, artifact_id=uploaded.artifact_id, deployment_name="many")


def _compare(
    server: RunningServer, path: Path, directory: Path, repetitions: int
) -> tuple[list[float], list[float]]:
    """Return how long the command takes here and there, after once for nothing."""
    environ = {
        **os.environ,
        "DAGY_LOCAL_DIR": str(directory / "local"),
        "DAGY_API_URL": server.url,
        "DAGY_TOKEN": server.api_key,
    }
    pairs = [
        (_seconds(environ, f"{path}:many"), _seconds(environ, "many"))
        for _ in range(1 + repetitions)
    ]
    here, there = zip(*pairs[1:], strict=True)
    return [*here], [*there]


def _seconds(environ: Mapping[str, str], target: str) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "dagy_cli", "--quiet", "run", target],
        env=environ,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


def _start_of_a_run(server: RunningServer) -> float:
    """Return how long it takes from a trigger to the first task, in seconds."""
    with DagyClient(server.url, server.api_key) as client:
        client.me()  # the connection is there
        begin = datetime.now(timezone.utc)
        run = client.runs.trigger("many")
        for _ in client.runs.logs(run.run_id, follow=True):
            pass  # until it has ended
        assert client.runs.get(run.run_id).status is RunStatus.SUCCEEDED
        starts = [task.started_at for task in client.task_runs.list(run.run_id)]
    return (min(each for each in starts if each) - begin).total_seconds()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--repetitions", type=int, default=5)
    return parser


if __name__ == "__main__":
    sys.exit(main())
