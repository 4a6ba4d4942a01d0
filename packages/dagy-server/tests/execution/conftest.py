"""Fixtures: flows on a real server, carried out by real workers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagy import build_artifact
from dagy.artifacts import open_artifact
from dagy_client import DagyClient
from dagy_server.testing import RunningServer, running_server
from dagy_types import Run

PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return what a condition gives, once that is something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.02)
    return found


@dataclass
class Site:
    """A server with a client, and where flows are written."""

    server: RunningServer
    client: DagyClient
    directory: Path
    _count: int = field(default=0)

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Return what a condition gives, once that is something."""
        return wait_for(condition)

    def deploy(self, source: str, name: str = "sample", **files: str) -> str:
        """Write a flow, with files beside it, deploy it, and return the deployment's name.

        Its source finds a ``VERSION`` of its own.
        """
        self._count += 1
        place = self.directory / f"flow-{self._count}"
        place.mkdir()
        (place / "flows.py").write_text(f'VERSION = "v{self._count}"\n{source}')
        for file_name, text in files.items():
            (place / file_name.replace("__", ".")).write_text(text)
        archive = build_artifact(f"{place}/flows.py:{name}", place / "a.zip")
        with open_artifact(archive) as artifact:
            spec = artifact.flow_spec
        uploaded = self.client.artifacts.upload(archive)
        deployment = f"{name}-{self._count}"
        self.client.flows.register(
            spec, artifact_id=uploaded.artifact_id, deployment_name=deployment
        )
        return deployment

    def run(self, deployment: str, **parameters: Any) -> Run:
        """Trigger a run, and return it once it has ended."""
        run = self.client.runs.trigger(deployment, parameters=parameters)
        return self.ended(run.run_id)

    def ended(self, run_id: str) -> Run:
        """Return a run once it has ended."""
        found: list[Run] = []

        def has_ended() -> bool:
            found.append(self.client.runs.get(run_id))
            return found[-1].status.is_terminal

        wait_for(has_ended)
        return found[-1]

    def messages(self, run_id: str) -> list[str]:
        """Return the messages of a run."""
        return [each.message for each in self.client.runs.logs(run_id)]

    def statuses(self, run_id: str) -> dict[str, str]:
        """Return the status of each task of a run."""
        return {each.task_id: each.status.value for each in self.client.task_runs.list(run_id)}

    @property
    def execution(self) -> Path:
        """Where the server executes runs."""
        return self.server.directory / "execution"

    def holders(self, run_id: str) -> list[int]:
        """Return the worker of a run and the process of its flow, once both are there."""

        def holders() -> list[int]:
            with suppress(FileNotFoundError):
                text = (self.execution / "runs" / run_id / "holder.json").read_text()
                found = [int(each) for each in json.loads(text)]
                return found if len(found) == 2 else []
            return []

        found: list[int] = wait_for(holders)
        return found


def end_workers(directory: Path) -> None:
    """Kill what is left of workers whose server is gone."""
    for path in directory.glob("execution/runs/*/holder.json"):
        for process_id in json.loads(path.read_text()):
            with suppress(ProcessLookupError):
                os.killpg(int(process_id), signal.SIGKILL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    environ = {"DAGY_SERVER_LEASE_SECONDS": "2", "DAGY_SERVER_SECRET": "s" * 40}
    with (
        running_server(directory / "server", environ=environ) as server,
        DagyClient(server.url, server.api_key) as client,
    ):
        yield Site(server, client, directory)
    end_workers(directory / "server")
