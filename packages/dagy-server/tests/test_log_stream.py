from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from dagy_server.events import HEARTBEAT
from dagy_server.line_signals import LineSignals
from dagy_server.log_stream import LogPage, NumberedLine, log_events


class _Log:
    """A log in memory, read in pages of two."""

    def __init__(self, lines: int = 0, *, end: dict[str, str] | None = None) -> None:
        self.lines = lines
        self.end = end
        self.reads = 0
        self.on_read: Callable[[], None] = lambda: None

    def read(self, after: int) -> LogPage:
        self.reads += 1
        self.on_read()
        end = self.end  # before the lines, as they are read
        numbers = range(after + 1, min(self.lines, after + 2) + 1)
        lines = tuple(NumberedLine(number, {"n": number}) for number in numbers)
        return LogPage(lines, is_full=len(lines) == 2, end=end)


def _collect(log: _Log, **options: Any) -> list[bytes]:
    stopping = options.pop("stopping", threading.Event())
    after = options.pop("after", 0)

    async def collect() -> list[bytes]:
        signals = LineSignals()
        with signals.listening("a") as listener:
            events = log_events(log.read, listener, after=after, stopping=stopping, **options)
            return [event async for event in events]

    return asyncio.run(collect())


def _event(*numbers: int) -> bytes:
    return b"".join(
        f'event: log\nid: {each}\ndata: {{"n":{each}}}\n\n'.encode() for each in numbers
    )


_END = b'event: end\ndata: {"status":"FAILED"}\n\n'


def test_a_log_that_is_whole_is_sent_and_ended() -> None:
    log = _Log(5, end={"status": "FAILED"})
    assert _collect(log) == [HEARTBEAT, _event(1, 2), _event(3, 4), _event(5), _END]


def test_a_stream_goes_on_behind_a_number() -> None:
    log = _Log(5, end={"status": "FAILED"})
    assert _collect(log, after=4) == [HEARTBEAT, _event(5), _END]
    assert _collect(log, after=9) == [HEARTBEAT, _END]


def test_lines_that_come_are_sent_as_they_come() -> None:
    log = _Log(0)

    def grow() -> None:
        log.lines += 1
        if log.lines == 3:
            log.end = {"status": "FAILED"}

    log.on_read = grow
    found = _collect(log, poll_seconds=0.001)
    assert b"".join(found).removeprefix(HEARTBEAT) == _event(1, 2, 3) + _END


def test_a_quiet_stream_gives_signs_of_life() -> None:
    log = _Log(0)
    now = iter(range(0, 10_000, 10))

    def maybe_end() -> None:
        if log.reads == 5:
            log.end = {"status": "FAILED"}

    log.on_read = maybe_end
    found = _collect(log, poll_seconds=0.001, heartbeat_seconds=15, monotonic=lambda: next(now))
    assert found[0] == HEARTBEAT
    assert found[-1] == _END
    assert 1 <= found[1:].count(HEARTBEAT) < 4


def test_a_server_that_stops_ends_the_stream_without_an_end() -> None:
    stopping = threading.Event()
    log = _Log(1)
    log.on_read = stopping.set
    assert _collect(log, poll_seconds=0.001, stopping=stopping) == [HEARTBEAT, _event(1)]


def test_a_quiet_log_is_read_once_each_interval_and_not_all_the_time() -> None:
    log = _Log(0)

    async def follow() -> None:
        with LineSignals().listening("a") as listener:
            events = log_events(
                log.read, listener, after=0, stopping=threading.Event(), poll_seconds=0.1
            )
            async for _ in events:
                pass

    async def follow_for_a_while() -> None:
        try:
            await asyncio.wait_for(follow(), 0.35)
        except asyncio.TimeoutError:
            return

    asyncio.run(follow_for_a_while())
    assert 1 <= log.reads <= 5
