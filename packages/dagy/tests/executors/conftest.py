from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from queue import SimpleQueue
from typing import Any

import pytest

from dagy_types import (
    Attempt,
    AttemptEvent,
    AttemptResult,
    AttemptStarted,
    Executor,
    LogRecord,
    Output,
)

PATIENCE_SECONDS = 60  # only a test that fails waits for so long

Body = Callable[[Attempt, Callable[[str], None]], Any]


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Bench:
    """An executor on the bench: what it runs, and what it has delivered.

    Args:
        factory: Makes the executor, with the arguments of `ThreadExecutor`.
        bodies: What an attempt does, by the name before the ``-`` in its task id. It gets a
            function that logs a message; what it returns becomes the output.
    """

    def __init__(
        self, factory: Callable[..., Executor], max_workers: int, bodies: dict[str, Body]
    ) -> None:
        self._inbox: SimpleQueue[AttemptEvent] = SimpleQueue()
        self.events: list[AttemptEvent] = []
        self.proceeds = True  # after exceptions
        self._bodies = bodies
        self.executor = factory(
            max_workers, perform=self._perform, deliver=self._inbox.put, now=utc_now
        )

    def _perform(self, attempt: Attempt, emit: Callable[[LogRecord], None]) -> Output:
        def say(message: str) -> None:
            emit(_record(attempt, message))

        value = self._bodies[attempt.task_id.partition("-")[0]](attempt, say)
        return Output(value if isinstance(value, bytes) else str(value).encode(), "text")

    def submit(self, *task_ids: str, number: int = 1) -> None:
        for task_id in task_ids:
            self.executor.submit(Attempt(task_id, number))

    def until(self, condition: Callable[[], Any]) -> Any:
        """Take in events until the condition holds, and return its value."""
        while not (value := condition()):
            self._take(self._inbox.get(timeout=PATIENCE_SECONDS))
        return value

    def _take(self, event: AttemptEvent) -> None:
        self.events.append(event)
        is_exception = isinstance(event, AttemptResult) and not isinstance(event.outcome, Output)
        if is_exception and self.proceeds:
            self.executor.proceed()

    def until_started(self, task_id: str, number: int = 1) -> None:
        self.until(lambda: (task_id, number) in self.started)

    def result(self, task_id: str, number: int = 1) -> AttemptResult:
        return self.until(lambda: self.results.get((task_id, number)))

    def outcome(self, task_id: str, number: int = 1) -> Any:
        """What the attempt raised, or the text that it returned."""
        outcome = self.result(task_id, number).outcome
        return outcome.data.decode() if isinstance(outcome, Output) else outcome

    def take_in(self) -> None:
        """Take in the events that have been delivered."""
        while not self._inbox.empty():
            self._take(self._inbox.get())

    @property
    def started(self) -> list[tuple[str, int]]:
        return [(e.task_id, e.number) for e in self.events if isinstance(e, AttemptStarted)]

    @property
    def results(self) -> dict[tuple[str, int], AttemptResult]:
        return {(e.task_id, e.number): e for e in self.events if isinstance(e, AttemptResult)}

    def messages(self, task_id: str) -> list[str]:
        return [e.message for e in self.events if isinstance(e, LogRecord) and e.task_id == task_id]

    def of(self, task_id: str) -> list[AttemptEvent]:
        return [event for event in self.events if event.task_id == task_id]


def _record(attempt: Attempt, message: str) -> LogRecord:
    return LogRecord(
        run_id="run",
        at=utc_now(),
        level="INFO",
        logger="test",
        message=message,
        task_id=attempt.task_id,
        attempt=attempt.number,
    )


class Latch:
    """Holds up tasks, in threads and in other processes, until they are let go."""

    def __init__(self) -> None:
        self.descriptor, self._let_go = os.pipe()

    def wait(self) -> None:
        os.read(self.descriptor, 1)

    def is_let_go(self) -> bool:
        return bool(select.select([self.descriptor], [], [], 0)[0])

    def let_go(self, count: int = 1) -> None:
        os.write(self._let_go, b"." * count)

    def close(self) -> None:
        os.close(self._let_go)
        os.close(self.descriptor)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def latch(no_process_is_left: None) -> Iterator[Latch]:
    latch = Latch()
    yield latch
    latch.let_go(100)
    wait_until_true(lambda: not [t for t in threading.enumerate() if t.name.startswith("dagy-")])
    latch.close()


@pytest.fixture
def bench_of(latch: Latch) -> Iterator[Callable[..., Bench]]:
    """Put an executor on the bench, given what makes it, and tasks by name."""
    executors: list[Executor] = []

    def start(factory: Callable[..., Executor], max_workers: int = 1, **bodies: Body) -> Bench:
        bench = Bench(factory, max_workers, bodies)
        executors.append(bench.executor)
        return bench

    yield start
    for executor in executors:
        executor.close(wait=False)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], Any]:
    """Wait for something that tells nobody when it happens."""
    return wait_until_true


def wait_until_true(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return value
