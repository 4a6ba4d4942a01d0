"""Attempts in threads of this process."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue

from dagy_types import Attempt, AttemptResult, Output


class AttemptInterrupted(BaseException):
    """Raised inside a task whose attempt was given up."""


class _Worker:
    """A thread, and the attempt that it is running."""

    def __init__(self, thread: threading.Thread) -> None:
        self.thread = thread
        self.attempt: Attempt | None = None
        self.is_given_up = False


class ThreadExecutor:
    """Runs up to ``max_workers`` attempts at once, each in a thread.

    The threads are daemons: a task that does not end cannot keep the process from ending.

    Args:
        deliver: Called with each result, from the thread that ran the attempt.
        now: The clock.
    """

    def __init__(
        self,
        max_workers: int,
        *,
        deliver: Callable[[AttemptResult], None],
        now: Callable[[], datetime],
    ) -> None:
        self._max_workers = max_workers
        self._deliver = deliver
        self._now = now
        self._inbox: SimpleQueue[Attempt | None] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()  # of what the workers are doing

    def submit(self, attempt: Attempt) -> None:
        """Run an attempt as soon as a thread is free."""
        if len(self._workers) < self._max_workers:
            self._start_worker()
        self._inbox.put(attempt)

    def give_up(self, task_id: str, number: int) -> None:
        """Deliver no result of this attempt, and have another thread in its place.

        A thread cannot be killed. An exception is raised in it as soon as it runs Python code
        again, which time.sleep() or a blocked read may put off for long.
        """
        with self._lock:
            for worker in self._workers:
                attempt = worker.attempt
                if attempt and (attempt.task_id, attempt.number) == (task_id, number):
                    worker.is_given_up = True
                    self._workers.remove(worker)
                    _interrupt(worker.thread)
                    return

    def close(self, *, wait: bool) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in self._workers:
            self._inbox.put(None)
        if wait:
            for worker in self._workers:
                worker.thread.join()

    def _start_worker(self) -> None:
        name = f"dagy-worker-{len(self._workers) + 1}"
        worker = _Worker(
            threading.Thread(target=lambda: self._work(worker), name=name, daemon=True)
        )
        self._workers.append(worker)
        worker.thread.start()

    def _work(self, worker: _Worker) -> None:
        try:
            while (attempt := self._inbox.get()) is not None:
                worker.attempt = attempt
                outcome: Output | BaseException
                try:
                    outcome = attempt.call()
                except BaseException as error:  # noqa: BLE001  sys.exit() in a task fails the task
                    outcome = error
                result = AttemptResult(attempt.task_id, attempt.number, self._now(), outcome)
                with self._lock:
                    if worker.is_given_up:
                        return
                    worker.attempt = None
                self._deliver(result)
                # An idle thread must not keep the last output or traceback alive.
                del attempt, outcome, result
        except AttemptInterrupted:
            return  # it came when the task had just ended


def _interrupt(thread: threading.Thread) -> None:
    # Under a tracer or profiler, Python 3.11 runs in circles for as long as another thread has an
    # exception waiting that it cannot take yet. Debugging and coverage matter more.
    if sys.gettrace() is None and sys.getprofile() is None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(AttemptInterrupted)
        )
