"""What a run costs at a server, compared with the same flow on this machine; how soon it begins.

    hatch run bench:remote
    hatch run bench:remote --tasks 100 --repetitions 3

The command runs a flow of many small tasks here, and a deployment of it at a server of its own, in
turns; each time counts from the start of the command to its end. A second before each, nothing
runs: the server makes its next worker ready by then. Then the command runs at the server time after
time. A run begins with its first task: that counts from the moment before its trigger, at a server
that has had the flow before. Ends with status 1 when the server takes more than 3 times as long, or
a run begins after more than 1.5 s.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from machine import described
from starts import Command, installed_environ, median_seconds, rows
from table import aligned

from dagy import build_artifact
from dagy.deploy import deploy_artifact
from dagy_client import DagyClient
from dagy_server.testing import RunningServer, running_server
from dagy_types import RunStatus

_HIGHEST_RATIO = 3.0
_LONGEST_START_SECONDS = 1.5
_REST_SECONDS = 1.0
_HERE, _THERE, _AGAIN = "dagy run many.py:many", "dagy run many", "dagy run many, once more at once"

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
            archive = build_artifact(f"{path}:many", directory / "many.zip")
            deploy_artifact(archive, api_url=server.url, auth=server.api_key)
            seconds = _compare(server, path, directory / "local", arguments.repetitions)
            starts = [_start_of_a_run(server) for _ in range(arguments.repetitions)]
    print(f"{arguments.tasks:,} tasks, medians of {arguments.repetitions}")
    print(aligned(rows(seconds)))
    start = statistics.median(starts)
    print(f"From a trigger to the first task: {start * 1e3:,.1f} ms")
    is_slow = seconds[_THERE] > _HIGHEST_RATIO * seconds[_HERE] or start > _LONGEST_START_SECONDS
    return 1 if is_slow else 0


def _compare(server: RunningServer, path: Path, local: Path, repetitions: int) -> dict[str, float]:
    """Return how long the command takes here, at the server, and there without a rest before."""
    environ = installed_environ(
        DAGY_LOCAL_DIR=str(local), DAGY_API_URL=server.url, DAGY_TOKEN=server.api_key
    )
    run = [sys.executable, "-m", "dagy_cli", "--quiet", "run"]
    here, there = Command([*run, f"{path}:many"], environ), Command([*run, "many"], environ)
    return median_seconds(
        {_HERE: here, _THERE: there}, repetitions, rest_seconds=_REST_SECONDS
    ) | median_seconds({_AGAIN: there}, repetitions)


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
