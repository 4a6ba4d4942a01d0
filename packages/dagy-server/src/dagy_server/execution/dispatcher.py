"""Gives the runs of the queue to workers, each a process of its own, and notices their ends."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from dagy_server.database.schema import runs
from dagy_server.execution import queue
from dagy_server.execution.orders import WorkOrder
from dagy_server.execution.places import Places
from dagy_server.services import Services
from dagy_types.errors import StoreError

DIRECTORY = "execution"
"""Of all that is executed, in the data directory."""

_LOOK_SECONDS = 0.5
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not listened on here
_OWN_PREFIX = "DAGY_"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    claim: queue.Claim


class Dispatcher:
    """Runs in a thread until the server stops; workers go on without it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._places = Places(self._settings.data_directory / DIRECTORY)
        self._server = self._places.server_id()
        self._running: dict[str, _Running] = {}
        self._thread = threading.Thread(target=self._work, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin; workers that were there before have a lease to say that they still are."""
        with self._services.database.writing() as connection:
            queue.renew_all(
                connection,
                server=self._server,
                now=self._services.clock(),
                lease=self._settings.lease,
            )
        self._services.threads.append(self._thread)
        self._thread.start()

    def _work(self) -> None:
        services = self._services
        while not services.stopping.is_set():
            services.work_added.clear()  # before looking: what comes after that is another look
            try:
                self._look()
            except StoreError:
                _log.exception("the queue of runs cannot be read; it is looked at again")
            services.work_added.wait(_LOOK_SECONDS)

    def _look(self) -> None:
        self._notice_ends()
        while not self._services.stopping.is_set():
            with self._services.database.reading() as connection:
                has_room = queue.count_claimed(
                    connection, self._server
                ) < self._settings.max_runs and queue.has_waiting(connection, self._server)
            if not has_room or not self._take_up():
                return

    def _notice_ends(self) -> None:
        database, now = self._services.database, self._services.clock()
        for run_id, running in list(self._running.items()):
            if running.process.poll() is not None:
                del self._running[run_id]
                with database.writing() as connection:
                    queue.lose_worker(
                        connection, run_id, server=self._server, now=now, token=running.claim.token
                    )
                self._services.line_signals.notify(run_id)
        with database.reading() as connection:
            late = queue.late_runs(connection, now=now)
        for run_id in late:
            with database.writing() as connection:
                queue.lose_worker(connection, run_id, server=self._server, now=now)
            self._services.line_signals.notify(run_id)

    def _take_up(self) -> bool:
        with self._services.database.writing() as connection:
            claim = queue.claim_next(
                connection,
                server=self._server,
                now=self._services.clock(),
                lease=self._settings.lease,
            )
            line = _line(connection, claim) if claim else ()
        if claim is None:
            return False
        self._running[claim.run_id] = _Running(self._start(self._order(claim, line)), claim)
        return True

    def _order(self, claim: queue.Claim, line: tuple[str, ...]) -> WorkOrder:
        settings = self._settings
        host = _WILDCARDS.get(settings.host, settings.host)
        named = {name: os.environ.get(name) for name in settings.flow_environment}
        return WorkOrder(
            url=f"http://[{host}]:{settings.port}"
            if ":" in host
            else f"http://{host}:{settings.port}",
            token=claim.token,
            run_id=claim.run_id,
            number=claim.number,
            line=line,
            artifact_id=claim.artifact_id,
            sha256=claim.sha256,
            parameters=claim.parameters,
            root=str(self._places.root.resolve()),
            lease_seconds=settings.lease_seconds,
            max_artifact_bytes=settings.max_artifact_bytes,
            environment={name: value for name, value in named.items() if value is not None},
        )

    def _start(self, order: WorkOrder) -> subprocess.Popen[bytes]:
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(_OWN_PREFIX)
        }
        with self._log_file(order.run_id).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dagy_server.execution.worker"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environ,
                cwd=self._places.root,
                start_new_session=True,  # a Ctrl-C for the server is not for it
            )
        assert process.stdin is not None
        try:
            with process.stdin as stream:
                stream.write(order.to_json())
        except BrokenPipeError:
            _log.error("a worker for run %s could not start", order.run_id)  # its end is noticed
        return process

    def _log_file(self, run_id: str) -> Path:
        directory = self._places.root / "logs"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory / f"{run_id}.log"


def _line(connection: Connection, claim: queue.Claim) -> tuple[str, ...]:
    """Return a run, the one that it retries, the one that this retries, and so on."""
    line, before = [claim.run_id], claim.resumed_from
    while before is not None:
        line.append(before)
        statement = select(runs.c.resumed_from).where(runs.c.id == before)
        before = connection.execute(statement).scalar()
    return tuple(line)
