from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from dagy._executors.processes.frames import frame, messages
from dagy._executors.processes.parcel import unpack
from dagy._executors.processes.worker import Outbox, serve
from dagy_types import Attempt, AttemptEvent, AttemptResult, LogRecord, Output

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def record(message: str) -> LogRecord:
    return LogRecord(run_id="r", at=NOW, level="INFO", logger="x", message=message)


@contextmanager
def serving(perform: Callable[..., Output]) -> Iterator[tuple[socket.socket, Any]]:
    """A worker in a thread; yield the channel to it and its events."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = threading.Thread(
            target=serve, args=(theirs,), kwargs={"perform": perform, "now": lambda: NOW}
        )
        worker.start()
        yield ours, map(unpack, messages(ours))
        ours.shutdown(socket.SHUT_WR)
        worker.join()


def test_a_worker_performs_one_attempt_after_the_other_and_ends_with_its_channel() -> None:
    def perform(attempt: Attempt, emit: Callable[[LogRecord], None]) -> Output:
        emit(record(attempt.task_id))
        return Output(str(attempt.number).encode(), "text")

    with serving(perform) as (channel, events):
        for number in (1, 2):
            channel.sendall(frame(pickle.dumps(Attempt(f"work-{number}", number))))
        assert [next(events) for _ in range(4)] == [
            record("work-1"),
            AttemptResult("work-1", 1, NOW, Output(b"1", "text")),
            record("work-2"),
            AttemptResult("work-2", 2, NOW, Output(b"2", "text")),
        ]


def test_what_an_attempt_raises_is_its_result() -> None:
    def perform(_attempt: Attempt, _emit: Any) -> Output:
        raise SystemExit(2)

    with serving(perform) as (channel, events):
        channel.sendall(frame(pickle.dumps(Attempt("work", 1))))
        result = next(events)
    assert (type(result.outcome), result.outcome.args) == (SystemExit, (2,))
    assert "in perform" in result.traceback


class ReentrantChannel:
    """A channel during whose send something else is said."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.outbox: Any = None
        self._is_sending = False

    def sendall(self, data: bytes) -> None:
        assert not self._is_sending, "one message in the middle of another"
        self._is_sending = True
        if len(self.sent) < 2:
            self.outbox.send(record("from inside"))
        self.sent.append(data)
        self._is_sending = False


def test_what_is_said_while_something_is_being_sent_follows_it() -> None:
    channel: Any = ReentrantChannel()
    channel.outbox = Outbox(channel)
    channel.outbox.send(record("first"))
    assert [unpack(data[8:]) for data in channel.sent] == [
        record("first"),
        record("from inside"),
        record("from inside"),
    ]


def test_events_of_several_threads_arrive_whole() -> None:
    ours, theirs = socket.socketpair()
    outbox = Outbox(theirs)

    def talk(name: str) -> None:
        for i in range(200):
            outbox.send(record(f"{name} {i} {'x' * 2000}"))

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abc"]
    received: list[AttemptEvent] = []
    with ours, theirs:
        for thread in threads:
            thread.start()
        events = map(unpack, messages(ours))
        received = [next(events) for _ in range(600)]
        for thread in threads:
            thread.join()
    said = [event.message.split()[:2] for event in received if isinstance(event, LogRecord)]
    for name in "abc":
        assert [int(i) for each, i in said if each == name] == list(range(200))
