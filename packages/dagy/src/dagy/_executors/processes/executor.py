"""The coordinator's side: which worker gets which attempt, and what it says of it."""

from __future__ import annotations

import pickle
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from dagy._executors.processes.bell import Bell
from dagy._executors.processes.frames import CHUNK_BYTES, Incoming, frame
from dagy._executors.processes.loss import ended_early, never_began, nowhere_to_run
from dagy._executors.processes.parcel import Hello, unpack
from dagy._executors.processes.zygote import Ended, Report, kill_group
from dagy._executors.processes.zygote_process import ZygoteProcess
from dagy_types import Attempt, AttemptEvent, AttemptResult, AttemptStarted, Output, Perform
from dagy_types.errors import WorkerLostError

_NOTHING = memoryview(b"")


class _Worker:
    """A worker, as the coordinator knows it.

    Attributes:
        attempt: What it is running, unless that was given up.
        is_doomed: Whether it is to be killed; its slot is free when it is gone.
    """

    def __init__(self, number: int, channel: socket.socket) -> None:
        self.number = number
        self.channel = channel
        self.incoming = Incoming()
        self.outgoing = _NOTHING
        self.process: int | None = None
        self.attempt: Attempt | None = None
        self.is_doomed = False

    @property
    def is_idle(self) -> bool:
        return self.attempt is None and not self.is_doomed


class ProcessExecutor:
    """Runs up to ``max_workers`` attempts at once, each in a process and process group of its own.

    The processes are forks: they have all code and all globals as these are when the executor is
    made, and nothing of the user's code is pickled; only attempts and their events are sent.
    A worker runs many attempts. It is killed, with its process group, when its attempt is given up,
    and all are when the executor is closed or this process ends, however it ends. Only what a task
    has put into another process group or session of its own escapes that.

    Forking copies the calling thread alone. In a program that has other threads at that moment,
    locks that these hold stay locked for ever in the copies; the locks of Python itself are
    safe. So make the executor before starting threads, and do not use a library that starts its own
    (polars, grpc, ...) before it, outside of tasks: importing it does no harm, using it may.

    Args:
        perform: Runs a task; called in the workers.
        deliver: Called with each event, from a thread of the executor; must not block.
        now: The clock; used in this process and in the workers.

    Raises:
        ConfigError: When the system has no room for another process.
    """

    # One thread moves all bytes. The lock is for what it shares with the callers of the methods:
    # the attempts that wait, the workers, and, so that nothing follows `give_up`, the delivery.

    def __init__(
        self,
        max_workers: int,
        *,
        perform: Perform,
        deliver: Callable[[AttemptEvent], None],
        now: Callable[[], datetime],
    ) -> None:
        self._max_workers = max_workers
        self._deliver = deliver
        self._now = now
        self._zygote = ZygoteProcess(perform=perform, now=now)
        self._lock = threading.Lock()
        self._waiting: deque[Attempt] = deque()
        self._workers: dict[int, _Worker] = {}  # by number
        self._last_number = 0
        self._held = 0  # slots whose results were exceptions
        self._is_closed = False
        self._is_zygote_lost = False
        self._is_over = False  # the thread has ended
        self._bell = Bell()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ, self._on_bell)
        self._selector.register(self._zygote, selectors.EVENT_READ, self._on_reports)
        self._thread = threading.Thread(target=self._run, name="dagy-processes", daemon=True)
        self._thread.start()

    def submit(self, attempt: Attempt) -> None:
        """Run an attempt as soon as a slot is free.

        Raises:
            RuntimeError: When the executor is closed.
        """
        with self._lock:
            if self._is_closed:
                raise RuntimeError("The executor is closed.")
            self._waiting.append(attempt)
            self._wake()

    def proceed(self) -> None:
        """Let a slot go on whose result was an exception; called once for each such result."""
        with self._lock:
            self._held -= 1
            self._wake()

    def withdraw(self) -> list[Attempt]:
        """Give back the attempts that have not started; no event of theirs follows."""
        with self._lock:
            withdrawn = list(self._waiting)
            self._waiting.clear()
        return withdrawn

    def give_up(self, task_id: str, number: int) -> None:
        """Deliver no result of this attempt, and kill its process group.

        Its slot is free when that is done, so that a retry starts clean.
        """
        with self._lock:
            for worker in self._workers.values():
                if worker.attempt is not None and _is(worker.attempt, task_id, number):
                    self._doom(worker)
                    return
            self._waiting = deque(each for each in self._waiting if not _is(each, task_id, number))

    def close(self, *, wait: bool) -> None:
        """End all processes, and return when they are gone; what has not started never does.

        Args:
            wait: Let the attempts under way come to their end. Else they are given up.
        """
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
            if not wait:
                for worker in self._workers.values():
                    self._doom(worker)
            self._wake()
        self._thread.join()

    def _wake(self) -> None:
        if self._is_over:
            self._fail_waiting()
        else:
            self._bell.ring()

    def _doom(self, worker: _Worker) -> None:
        worker.attempt = None
        worker.is_doomed = True
        self._zygote.kill_worker(worker.number)

    def _run(self) -> None:
        try:
            while self._is_needed():
                for key, mask in self._selector.select():
                    key.data(mask)
                with self._lock:
                    self._assign()
        finally:
            self._end()

    def _is_needed(self) -> bool:
        with self._lock:
            is_busy = any(worker.attempt is not None for worker in self._workers.values())
            return not self._is_zygote_lost and (is_busy or not self._is_closed)

    def _end(self) -> None:
        """Leave no process, no open descriptor, and no attempt without a result."""
        if self._is_zygote_lost:
            self._kill_orphans()
        with self._lock:
            self._is_over = True
            for worker in self._workers.values():
                self._fail(worker, nowhere_to_run)
                worker.channel.close()
            self._workers.clear()
            self._fail_waiting()
            self._bell.close()
        self._selector.close()
        self._zygote.close()

    def _kill_orphans(self) -> None:
        for worker in self._workers.values():
            self._read(worker)  # who it is comes before anything else
            if worker.process is not None:  # else it has not begun, and ends by itself
                kill_group(worker.process)

    def _assign(self) -> None:
        """Give waiting attempts to workers, as far as there are free slots."""
        while self._waiting:
            idle = [each for each in self._workers.values() if each.is_idle]
            if len(self._workers) - len(idle) + self._held >= self._max_workers:
                return
            worker = idle[0] if idle else None
            attempt = self._waiting.popleft()
            self._deliver(AttemptStarted(attempt.task_id, attempt.number, self._now()))
            try:
                worker = worker or self._new_worker()
            except OSError as error:  # there are too many open files
                self._lose(attempt, never_began(attempt.task_id, str(error.strerror)))
            else:
                worker.attempt = attempt
                worker.outgoing = memoryview(frame(pickle.dumps(attempt)))
                self._watch(worker)

    def _new_worker(self) -> _Worker:
        self._last_number += 1
        worker = _Worker(self._last_number, self._zygote.fork_worker(self._last_number))
        self._workers[worker.number] = worker
        return worker

    def _watch(self, worker: _Worker) -> None:
        """Have the selector look for what can be done at a worker's channel now."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.outgoing else 0)
        on_channel = partial(self._on_channel, worker)
        try:
            self._selector.modify(worker.channel, events, on_channel)
        except KeyError:
            self._selector.register(worker.channel, events, on_channel)

    def _unwatch(self, worker: _Worker) -> None:
        with suppress(KeyError):  # it was closed at the other end before
            self._selector.unregister(worker.channel)

    def _on_bell(self, _mask: int) -> None:
        self._bell.silence()

    def _on_channel(self, worker: _Worker, mask: int) -> None:
        if worker.number not in self._workers:
            return  # it has ended, by a report that came with this event
        if mask & selectors.EVENT_WRITE:
            self._write(worker)
        if mask & selectors.EVENT_READ and self._read(worker) == b"":
            self._unwatch(worker)  # the zygote will report what happened

    def _on_reports(self, _mask: int) -> None:
        reports = self._zygote.reports()
        self._is_zygote_lost = reports is None
        for report in reports or ():
            self._note(report)

    def _write(self, worker: _Worker) -> None:
        """Send what fits."""
        try:
            worker.outgoing = worker.outgoing[worker.channel.send(worker.outgoing) :]
        except BlockingIOError:
            return
        except ConnectionError:  # what it said before its end is still to be read
            worker.outgoing = _NOTHING
        if not worker.outgoing:
            worker.outgoing = _NOTHING  # an empty view, too, keeps the whole attempt in memory
            self._watch(worker)

    def _read(self, worker: _Worker) -> bytes | None:
        """Apply what has arrived and return it: ``None`` if nothing has, nothing at the end."""
        try:
            piece = worker.channel.recv(CHUNK_BYTES)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""
        for message in worker.incoming.feed(piece):
            event = unpack(message)
            if isinstance(event, Hello):
                worker.process = event.process
            else:
                self._apply(worker, event)
        return piece

    def _apply(self, worker: _Worker, event: AttemptEvent) -> None:
        with self._lock:
            if worker.attempt is None:
                return  # given up
            if isinstance(event, AttemptResult):
                worker.attempt = None
                self._held += not isinstance(event.outcome, Output)
            self._deliver(event)

    def _note(self, report: Report) -> None:
        worker = self._workers[report.number]
        while self._read(worker):
            pass  # what it said before its end
        with self._lock:
            if isinstance(report, Ended):
                self._fail(worker, partial(ended_early, status=report.status))
            else:
                self._fail(worker, partial(never_began, reason=report.reason))
            del self._workers[worker.number]
        self._unwatch(worker)
        worker.channel.close()

    def _fail(self, worker: _Worker, error: Callable[[str], WorkerLostError]) -> None:
        """Deliver that what a worker was running is lost, if it was running anything."""
        if worker.attempt is not None:
            attempt, worker.attempt = worker.attempt, None
            self._lose(attempt, error(attempt.task_id))

    def _fail_waiting(self) -> None:
        while self._waiting:
            attempt = self._waiting.popleft()
            self._deliver(AttemptStarted(attempt.task_id, attempt.number, self._now()))
            self._lose(attempt, nowhere_to_run(attempt.task_id))

    def _lose(self, attempt: Attempt, error: WorkerLostError) -> None:
        self._held += 1
        self._deliver(AttemptResult(attempt.task_id, attempt.number, self._now(), error))


def _is(attempt: Attempt, task_id: str, number: int) -> bool:
    return (attempt.task_id, attempt.number) == (task_id, number)
