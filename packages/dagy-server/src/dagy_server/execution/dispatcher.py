"""Gives the runs of the queue to workers, each a process of its own, and notices their ends."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from dagy_server.execution import queue
from dagy_server.execution.orders import order_for
from dagy_server.execution.places import Places
from dagy_server.execution.pruning import remove_old
from dagy_server.execution.workers import Workers
from dagy_server.services import Services
from dagy_types.errors import StoreError

DIRECTORY = "execution"
"""Of all that is executed, in the data directory."""

_LOOK_SECONDS = 0.5
_SHORTEST_REST_SECONDS = 0.05
"""Between two looks: where many runs are triggered, one look is for many of them."""

_QUIET_SECONDS = 0.2
"""Whoever waited for a run reads what became of it: the next worker is made ready after that."""

_PRUNE_SECONDS = 3600.0
_DAY_SECONDS = 86_400

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Started:
    process: subprocess.Popen[bytes]
    claim: queue.Claim


class Dispatcher:
    """Runs in a thread until the server stops; workers go on without it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._places = Places(self._settings.data_directory / DIRECTORY)
        self._server = self._places.server_id()
        self._workers = Workers(self._places, self._settings)
        self._started: list[_Started] = []
        self._pruned_at = 0.0
        self._thread = threading.Thread(target=self._work, name="dispatcher", daemon=True)

    @property
    def workers(self) -> tuple[subprocess.Popen[bytes], ...]:
        """Those that it has started, and that have not ended as far as it knows."""
        return tuple(each.process for each in self._started)

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
            services.work_changed.clear()  # before looking: what comes after that is another look
            looked_at = time.monotonic()
            try:
                self._look()
                self._prune()
            except StoreError:
                _log.exception("the queue of runs cannot be read; it is looked at again")
            is_quiet = not self._started and self._workers.lacks_one
            rest = _QUIET_SECONDS if is_quiet else _LOOK_SECONDS
            if not services.work_changed.wait(rest):
                self._workers.make_ready()
            services.stopping.wait(max(0.0, looked_at + _SHORTEST_REST_SECONDS - time.monotonic()))
        self._workers.close()

    def _look(self) -> None:
        self._notice_ends()
        while not self._services.stopping.is_set():
            with self._services.database.reading() as connection:
                has_room = queue.count_claimed(
                    connection, self._server
                ) < self._settings.max_runs and queue.has_waiting(connection, self._server)
            if not has_room or not self._take_up():
                return

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at > _PRUNE_SECONDS or not self._pruned_at:
            self._pruned_at = time.monotonic()
            days = self._settings.keep_records_days
            remove_old(self._places, before=time.time() - days * _DAY_SECONDS)

    def _notice_ends(self) -> None:
        database, now = self._services.database, self._services.clock()
        ended = [each for each in self._started if each.process.poll() is not None]
        for each in ended:
            run_id, token = each.claim.run_id, each.claim.token
            with database.writing() as connection:
                queue.lose_worker(connection, run_id, server=self._server, now=now, token=token)
            self._started.remove(each)
            _remove_if_empty(self._places.log_of(run_id))
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
            line = queue.line_of(connection, claim) if claim else ()
        if claim is None:
            return False
        order = order_for(claim, line, settings=self._settings, root=self._places.root)
        started = _Started(self._workers.start(order), claim)
        self._started.append(started)
        threading.Thread(target=self._tell_of_end, args=[started.process], daemon=True).start()
        return True

    def _tell_of_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._services.work_changed.set()  # there is room for the next run


def _remove_if_empty(path: Path) -> None:
    if path.exists() and not path.stat().st_size:
        path.unlink()
