"""Attempts in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue

from dagy_types import Attempt, AttemptResult, Output


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
        self._threads: list[threading.Thread] = []

    def submit(self, attempt: Attempt) -> None:
        """Run an attempt as soon as a thread is free."""
        if len(self._threads) < self._max_workers:
            name = f"dagy-worker-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._inbox.put(attempt)

    def close(self, *, wait: bool) -> None:
        """Let the threads end once they have nothing to do."""
        for _ in self._threads:
            self._inbox.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (attempt := self._inbox.get()) is not None:
            outcome: Output | BaseException
            try:
                outcome = attempt.call()
            except BaseException as error:  # noqa: BLE001  sys.exit() in a task fails the task
                outcome = error
            self._deliver(AttemptResult(attempt.task_id, attempt.number, self._now(), outcome))
            # An idle thread must not keep the last output or traceback alive.
            del attempt, outcome
