"""Fixtures: flows on a real server, carried out by real workers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from dagy import build_artifact
from dagy.artifacts import open_artifact
from dagy_client import DagyClient
from dagy_server.database.schema import audit_log, work
from dagy_server.execution import queue, worker
from dagy_server.execution.dispatcher import Dispatcher
from dagy_server.execution.flow_process import environment_for
from dagy_server.execution.flow_processes import FlowProcesses
from dagy_server.execution.orders import WorkOrder, order_for
from dagy_server.execution.processes import leader_of
from dagy_server.services import Services
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
class Desk:
    """A client of a server, and where flows are written."""

    client: DagyClient
    directory: Path
    _count: int = field(default=0)

    @property
    def execution(self) -> Path:
        """Where the server executes runs."""
        raise NotImplementedError

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


@dataclass
class Site(Desk):
    """A server in a process of its own, which carries out runs."""

    server: RunningServer = field(kw_only=True)

    @property
    def execution(self) -> Path:
        """Where the server executes runs."""
        return self.server.directory / "execution"


@dataclass
class Office(Desk):
    """A server in the process of the tests, which carries out what a test tells it to."""

    services: Services = field(kw_only=True)
    _dispatchers: list[Dispatcher] = field(default_factory=list)

    @property
    def execution(self) -> Path:
        """Where the server executes runs."""
        return self.services.settings.data_directory / "execution"

    def set(self, **values: Any) -> None:
        """Change settings."""
        settings = replace(self.services.settings, **values)
        self.services = replace(self.services, settings=settings)

    def start_dispatcher(self) -> None:
        """Let workers carry out what is in the queue."""
        self.services.stopping.clear()
        self._dispatchers.append(Dispatcher(self.services))
        self._dispatchers[-1].start()

    def stop_dispatcher(self) -> None:
        """Stop it, as a server does that ends; workers go on."""
        self.services.stopping.set()
        self.services.work_changed.set()
        while self.services.threads:
            self.services.threads.pop().join()

    def close(self) -> None:
        """Let nothing be left of what it has started."""
        self.stop_dispatcher()
        end_workers(self.execution)
        for dispatcher in self._dispatchers:
            for each in dispatcher.workers:
                each.kill()
                each.wait()

    def queued(self) -> list[str]:
        """Return the runs that wait for a worker, or have one."""
        with self.services.database.reading() as connection:
            return list(connection.execute(select(work.c.run_id)).scalars())

    def actions(self) -> list[str]:
        """Return what has been done, as it is in the audit log."""
        with self.services.database.reading() as connection:
            return list(connection.execute(select(audit_log.c.action)).scalars())

    def claim(self, server: str = "srv_here") -> WorkOrder:
        """Claim the run that has waited longest, and return what its worker has to do."""
        services = self.services
        with services.database.writing() as connection:
            claim = queue.claim_next(
                connection, server=server, now=services.clock(), lease=services.settings.lease
            )
            assert claim is not None, "no run waits"
            line = queue.line_of(connection, claim)
        return order_for(claim, line, settings=services.settings, root=self.execution)

    def work(self, order: WorkOrder) -> int:
        """Be the worker that has an order, and return its exit status."""
        flows = FlowProcesses(environment_for([]))
        return worker.work_on(order, leader_of(os.getpid()), flows)

    def lose(self, run_id: str, server: str = "srv_here") -> None:
        """Let the lease of a run's worker go by."""
        services = self.services
        with services.database.writing() as connection:
            late = services.clock() + services.settings.lease
            queue.lose_worker(connection, run_id, server=server, now=late)


def end_workers(execution: Path) -> None:
    """Kill what is left of workers whose server is gone."""
    for path in execution.glob("runs/*/holder.json"):
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
        yield Site(client, directory, server=server)
    end_workers(directory / "server" / "execution")


@pytest.fixture
def office(
    listening_server: Callable[..., AbstractContextManager[str]],
    app: FastAPI,
    services: Services,
    owner: Any,
    tmp_path: Path,
) -> Iterator[Office]:
    with listening_server(app) as url, DagyClient(url, owner.token) as client:
        port = int(url.rpartition(":")[2])
        here = replace(services, settings=replace(services.settings, port=port))
        office = Office(client, tmp_path, services=here)
        yield office
        office.close()
