"""Kill the server, the worker of a run, or both, at a random moment, again and again (ORCH-03).

    python tools/stress_remote.py --rounds 50

Each run must end truthfully, with every task done; a task that another one was built on must not
run again; and no message may be in the log twice. Needs dagy-server and what that needs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dagy import build_artifact
from dagy.deploy import deploy_artifact
from dagy_client import DagyClient
from dagy_server.testing import running_server
from dagy_types import Run, RunStatus, TaskStatus
from dagy_types.errors import NetworkError

VICTIMS = ("server", "worker", "both")
PATIENCE_SECONDS = 60.0

_LONGEST_DELAY_SECONDS = 1.6
_LAYERS, _WIDTH = 4, 3
_LEASE_SECONDS = 3  # on a busy machine a worker needs more than one to begin

_FLOW = f"""
import os
import time
import uuid
from pathlib import Path

from dagy import flow, task


@task
def step(name: str, journal: str, upstream: list[str]) -> str:
    with Path(journal).open("a") as file:
        file.write(f"{{name}} {{os.getppid()}}\\n")
    time.sleep(0.05)
    print(uuid.uuid4())
    return name


@flow
def layers(journal: str = "") -> list[str]:
    done: list[str] = []
    for layer in range({_LAYERS}):
        done = [step(f"{{layer}}-{{each}}", journal, done) for each in range({_WIDTH})]
    return done
"""


class Server:
    """A server that can be killed and started again where it was."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with running_server(directory) as first:  # which makes an owner and a key
            self.url, self.api_key = first.url, first.api_key
        self.process = self._start()

    def restart(self) -> None:
        """Start it again after it was killed."""
        self.process.wait()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        port = self.url.rpartition(":")[2]
        environ = {
            "DAGY_SERVER_LEASE_SECONDS": str(_LEASE_SECONDS),
            "DAGY_SERVER_REQUESTS_PER_MINUTE": str(10**9),
            "DAGY_SERVER_REQUEST_BURST": str(10**9),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "dagy_server", f"--port={port}", f"--data-dir={self.directory}"],
            env={**os.environ, **environ},
            stderr=subprocess.DEVNULL,
        )
        with DagyClient(self.url) as client:
            _wait(lambda: _is_there(client), "the server does not start")
        return process


def stress(
    directory: Path, *, rounds: int, seed: int, victims: tuple[str, ...] = VICTIMS
) -> list[str]:
    """Return what went wrong."""
    source = random.Random(seed)
    flow = directory / "flow" / "layers.py"
    flow.parent.mkdir()
    flow.write_text(_FLOW)
    archive = build_artifact(f"{flow}:layers", directory / "layers.zip")
    problems: list[str] = []
    with _running(directory) as server, DagyClient(server.url, server.api_key) as client:
        deploy_artifact(archive, api_url=server.url, auth=server.api_key)
        for number in range(rounds):
            for victim in victims:
                journal = directory / f"{number}-{victim}.txt"
                run = client.runs.trigger("layers", parameters={"journal": str(journal)})
                time.sleep(source.uniform(0, _LONGEST_DELAY_SECONDS))  # the random moment
                _kill(victim, server)
                problems += [
                    f"round {number}, {victim}, run {run.run_id}: {problem}"
                    for problem in _problems_of(client, run.run_id, journal)
                ]
    return problems


def main() -> int:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        problems = stress(Path(directory).resolve(), rounds=arguments.rounds, seed=arguments.seed)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"{arguments.rounds} rounds of {', '.join(VICTIMS)}, seed {arguments.seed}: "
        f"{len(problems)} problems, {time.monotonic() - begin:.1f} s"
    )
    return 1 if problems else 0


@contextmanager
def _running(directory: Path) -> Iterator[Server]:
    server = Server(directory / "server")
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


def _kill(victim: str, server: Server) -> None:
    if victim in ("server", "both"):
        server.process.kill()
    if victim in ("worker", "both"):
        for process_id in _workers(server.directory):
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
    if victim in ("server", "both"):
        server.restart()


def _workers(directory: Path) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-f", "dagy_server.execution.worker"], capture_output=True, text=True, check=False
    )
    ours = []
    for process_id in map(int, found.stdout.split()):
        with suppress(FileNotFoundError):  # it has ended
            if Path(f"/proc/{process_id}/cwd").readlink() == directory / "execution":
                ours.append(process_id)
    return ours


def _problems_of(client: DagyClient, run_id: str, journal: Path) -> Iterator[str]:
    ended: list[Run] = []

    def has_ended() -> bool:
        run = client.runs.get(run_id)
        ended.append(run)
        return run.status.is_terminal

    if not _wait(has_ended, ""):
        yield f"it does not end: {ended[-1] if ended else None}"
        return
    if ended[-1].status is not RunStatus.SUCCEEDED:
        yield f"it is {ended[-1].status}: {ended[-1].error}"
    tasks = {each.task_id: each for each in client.task_runs.list(run_id)}
    unfinished = [each for each in tasks.values() if each.status is not TaskStatus.SUCCEEDED]
    if unfinished or len(tasks) != _LAYERS * _WIDTH:
        yield f"{len(unfinished)} of {len(tasks)} tasks did not succeed"
    begun: list[str] = []
    for line in journal.read_text().splitlines() if journal.exists() else ():
        name = line.split()[0]
        if any(int(each[0]) > int(name[0]) for each in begun):
            yield f"{name} ran again after something was built on it"
        begun.append(name)
    messages = [each.message for each in client.runs.logs(run_id) if each.logger == "stdout"]
    if len(set(messages)) != len(messages):
        yield "a message is there twice"
    if len(messages) < _LAYERS * _WIDTH:
        yield f"only {len(messages)} messages are there"


def _is_there(client: DagyClient) -> bool:
    try:
        client.health()
    except NetworkError:
        return False
    return True


def _wait(condition: object, problem: str) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    assert callable(condition)
    while not condition():
        if time.monotonic() > deadline:
            if problem:
                raise TimeoutError(problem)
            return False
        time.sleep(0.02)
    return True


if __name__ == "__main__":
    sys.exit(main())
