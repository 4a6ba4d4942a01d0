"""Carry out one run of a server: ``python -m dagy_server.execution.worker URL [VARIABLE ...]``.

Its order comes on the standard input, see `WorkOrder`; until then it loads what it needs. The URL
is that of the server. The variables of its environment that are named are those that flows get to
see. It outlives the server, and what it does not come to, the next worker of the run does.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from dagy.artifacts import Manifest, open_artifact
from dagy.unattended import Order
from dagy_client import DagyClient, RetryPolicy, Timeouts
from dagy_server.execution.environments import python_with
from dagy_server.execution.flow_process import FlowProcess, environment_for
from dagy_server.execution.flow_processes import FlowProcesses
from dagy_server.execution.forwarder import Forwarder
from dagy_server.execution.heart import Heart
from dagy_server.execution.lineage import recorded_id
from dagy_server.execution.orders import WorkOrder, order_from_json
from dagy_server.execution.patience import GivenUpError, patiently
from dagy_server.execution.processes import Leader, leader_of
from dagy_server.execution.requirements import requirements_of
from dagy_server.execution.run_lock import RunLock
from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, FlowSpec, LogRecord, Run, RunEnd, RunStatus
from dagy_types.errors import AuthError, DagyError, NotFoundError

_GRACE_SECONDS = 5.0
"""How long a flow that was cancelled may take to end by itself."""

_EXIT_SECONDS = 10.0
"""How long its process may take to end once the end of the run is recorded."""

_SHORTEST_REST_SECONDS = 0.02
_REST_PER_LOOK = 3  # to read a run of many tasks takes long, and must not slow the run down
_OUTPUT_BYTES = 4_000
_LOAD_SECONDS = 2.0

_log = logging.getLogger("dagy_server.execution.worker")


def main(url: str, *names: str) -> int:
    """Carry out the order that comes on the standard input, if one comes.

    Args:
        url: Of the server.
        names: Variables that flows get to see.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    me, flows = leader_of(os.getpid()), FlowProcesses(environment_for(names))
    flows.make_ready()
    try:
        _load(url)
        text = sys.stdin.buffer.read()
        if not text:
            return 0
        order = order_from_json(text)
        _say_in(order.log)
        return work_on(order, me, flows)
    finally:
        flows.close()


def work_on(order: WorkOrder, me: Leader, flows: FlowProcesses) -> int:
    """Carry out an order, and return the exit status of the worker.

    Args:
        me: This process.
    """
    try:
        with (
            RunLock(order.places, me) as lock,
            Heart(order) as heart,
            DagyClient(order.url, order.token) as client,
            LocalMetadataStore(order.record) as store,
        ):
            Worker(order, flows, lock, heart, client, store).carry_out()
    except AuthError:
        _log.warning("run %s is another worker's now", order.run_id)
        return 1
    except GivenUpError:
        _log.warning("run %s: the server is away for too long", order.run_id)
        return 1
    return 0


class Worker:
    """Brings one run to its end."""

    def __init__(
        self,
        order: WorkOrder,
        flows: FlowProcesses,
        lock: RunLock,
        heart: Heart,
        client: DagyClient,
        store: LocalMetadataStore,
    ) -> None:
        self._order, self._places, self._flows = order, order.places, flows
        self._lock, self._heart, self._client, self._store = lock, heart, client, store

    def carry_out(self) -> None:
        """Run the flow unless that is done, and forward what is recorded to the end.

        Raises:
            AuthError: When the run is another worker's.
            GivenUpError: When the server is away for too long.
        """
        order = self._order
        earlier = self._recorded_runs(order.run_id)
        done = earlier[-1] if earlier and not _is_crashed(earlier[-1]) else None
        recorded = [run.run_id for run in earlier]
        if done is None:
            recorded.append(recorded_id(order.run_id, len(earlier) + 1))
        forwarder = Forwarder(order, self._client, self._heart, self._store, recorded)
        try:
            manifest, forwarder.spec = self._unpacked()
            forwarder.target = manifest.target
            if done is not None:
                forwarder.look()
                forwarder.finish(done)
            else:
                with self._started(manifest, recorded) as process:
                    self._follow(process, forwarder)
        except (AuthError, GivenUpError):
            raise
        except DagyError as error:
            forwarder.end(self._failure(error.message), *self._explanation(error))
        else:
            self._clear_up()

    def _unpacked(self) -> tuple[Manifest, FlowSpec]:
        """Get the archive, verify it and unpack it, unless it is there; return what it says."""
        order, places = self._order, self._places
        archive, flow = places.archive(order.sha256), places.flow(order.sha256)
        if not archive.exists():
            patiently(
                lambda: self._client.artifacts.download(order.artifact_id, archive),
                root=Path(order.root),
            )
        with open_artifact(archive, max_bytes=order.max_artifact_bytes) as artifact:
            artifact.verify(sha256=order.sha256)
            if not flow.exists():
                artifact.unpack(flow)
            return artifact.manifest, artifact.flow_spec

    @contextmanager
    def _started(self, manifest: Manifest, recorded: list[str]) -> Iterator[FlowProcess]:
        """Start the flow; at the end it is killed, with what it has started."""
        order, places = self._order, self._places
        flow = places.flow(order.sha256)
        python = python_with(
            requirements_of(flow, manifest.requirements), environments=order.environments
        )
        places.home.mkdir(exist_ok=True, mode=0o700)
        places.output.unlink(missing_ok=True)
        process = self._flows.start(python, places.output)
        try:
            self._lock.note_with(process.leader)
            process.carry_out(
                Order(
                    target=str(flow / manifest.target),
                    directory=str((flow / manifest.entry_path).parent),
                    home=str(places.home),
                    record=order.record,
                    run_id=recorded[-1],
                    parameters=order.parameters,
                    resumes=self._resumable(recorded[:-1]),
                ),
                output=places.output,
                lock=self._lock.descriptor,
            )
            yield process
        finally:
            process.kill()

    def _follow(self, process: FlowProcess, forwarder: Forwarder) -> None:
        while True:
            has_ended = process.has_ended  # asked before looking: all is recorded by then
            if self._heart.is_lost.is_set():
                raise AuthError(f"Run {self._order.run_id!r} is another worker's now.")
            if self._heart.is_cancelled.is_set() and not has_ended:
                self._stop(process)
                continue
            looked_at = time.monotonic()
            run = forwarder.look()
            if run is not None and run.status.is_terminal:
                if not process.wait(_EXIT_SECONDS):
                    _log.warning("run %s has ended, and its process has not", self._order.run_id)
                forwarder.finish(run)
                return
            if has_ended:
                self._tell_of_no_run(process, forwarder)
                return
            rest = max(_SHORTEST_REST_SECONDS, _REST_PER_LOOK * (time.monotonic() - looked_at))
            process.wait(rest)

    def _stop(self, process: FlowProcess) -> None:
        process.interrupt()
        if not process.wait(_GRACE_SECONDS):
            process.kill()

    def _tell_of_no_run(self, process: FlowProcess, forwarder: Forwarder) -> None:
        fault = process.fault()
        if fault is not None:
            error = DagyError(fault[0], hint=fault[1])
            forwarder.end(self._failure(error.message), *self._explanation(error))
            return
        message = f"The process of the flow {process.ending()} before the run began."
        forwarder.end(
            self._failure(message, FailureReason.CRASHED), *self._explanation(DagyError(message))
        )

    def _failure(self, message: str, reason: FailureReason | None = None) -> RunEnd:
        now = datetime.now(timezone.utc)
        return RunEnd(status=RunStatus.FAILED, ended_at=now, reason=reason, error=message)

    def _explanation(self, error: DagyError) -> list[LogRecord]:
        lines = [error.message, *([error.hint] if error.hint else []), self._last_output()]
        return [
            LogRecord(
                run_id=self._order.run_id,
                at=datetime.now(timezone.utc),
                level="ERROR",
                logger="dagy.server",
                message="\n".join(filter(None, lines)),
            )
        ]

    def _last_output(self) -> str:
        try:
            return self._places.output.read_bytes()[-_OUTPUT_BYTES:].decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _recorded_runs(self, run_id: str) -> list[Run]:
        """Return what the workers of a run have recorded, in their order."""
        found: list[Run] = []
        while True:
            try:
                found.append(self._store.get_run(recorded_id(run_id, len(found) + 1)))
            except NotFoundError:
                return found

    def _resumable(self, own: list[str]) -> tuple[str, ...]:
        """Return the recorded runs that this one may take over from, the newest first."""
        earlier = [
            run.run_id
            for each in reversed(self._order.line[1:])
            for run in self._recorded_runs(each)
        ]
        return tuple(reversed([*earlier, *own]))

    def _clear_up(self) -> None:
        runs = self._recorded_runs(self._order.run_id)
        if runs and runs[-1].status is RunStatus.SUCCEEDED:
            shutil.rmtree(self._places.root, ignore_errors=True)  # nobody can retry it


def _load(url: str) -> None:
    """Have loaded what an order needs: much of it is imported where it is first used."""
    timeouts, retry = Timeouts(total=_LOAD_SECONDS), RetryPolicy(max_attempts=1)
    with (
        suppress(DagyError, OSError),  # the server may be about to stop; an order tells the rest
        TemporaryDirectory() as directory,
        LocalMetadataStore(directory),
        DagyClient(url, timeouts=timeouts, retry=retry) as client,
    ):
        client.health()


def _say_in(path: Path) -> None:
    """Have all that this process says from now on in a file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)


def _is_crashed(run: Run) -> bool:
    return run.reason is FailureReason.CRASHED or not run.status.is_terminal


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
