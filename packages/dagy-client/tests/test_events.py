"""HTTP-14: a live log loses nothing and repeats nothing, whatever happens to its connections."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from dagy_client import (
    ApiAnswerError,
    ApiConnectionError,
    ApiNotFoundError,
    AsyncDagyClient,
    DagyClient,
    RetryPolicy,
)
from dagy_client.testing import FakeClock, Script
from dagy_types import LogRecord, log_document

NewLog = Callable[..., LogRecord]
Scripted = Callable[..., DagyClient]
HEADERS = {"Content-Type": "text/event-stream; charset=utf-8"}


class Bytes(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces that may end in an error."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def event(number: int, record: LogRecord) -> bytes:
    return f"id: {number}\nevent: log\ndata: {json.dumps(log_document(record))}\n\n".encode()


END = b"event: end\ndata: {}\n\n"


class CuttingServer:
    """Serves a log and cuts the connection at the places that it is given, in bytes."""

    def __init__(self, records: list[LogRecord], cuts: list[int], *, is_inclusive: bool) -> None:
        self.events = [event(number, record) for number, record in enumerate(records, 1)]
        self.cuts = cuts
        self.is_inclusive = is_inclusive
        self.streams: list[Bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        last = int(request.headers.get("Last-Event-ID", "0"))
        start = max(0, last - 1) if self.is_inclusive else last
        body = b"".join([b": hello\n\n", *self.events[start:], END])
        error: Exception | None = None
        if self.cuts:
            body = body[: self.cuts.pop(0)]
            error = random.Random(len(body)).choice(
                [httpx.ReadError("reset"), httpx.ReadTimeout("silence"), None]
            )
        pieces = [body[place : place + 777] for place in range(0, len(body), 777)]
        self.streams.append(Bytes(*pieces, error=error))
        return httpx.Response(200, headers=HEADERS, stream=self.streams[-1])


@pytest.mark.parametrize("is_inclusive", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_twenty_cuts_in_a_thousand_lines_lose_and_repeat_nothing(
    scripted: Scripted, new_log: NewLog, seed: int, is_inclusive: bool
) -> None:
    dice = random.Random(seed)
    records = [new_log(f"line {number}" + "x" * dice.randrange(200)) for number in range(1000)]
    cuts = [dice.randrange(400, 20_000) for _ in range(20)]
    server = CuttingServer(records, cuts, is_inclusive=is_inclusive)
    client = scripted(server, random=dice.random)
    assert list(client.runs.logs("r1", follow=True)) == records
    assert len(server.streams) == 21
    assert all(stream.is_closed for stream in server.streams)


def test_the_async_client_does_not_lose_or_repeat_either(
    loop: asyncio.AbstractEventLoop, clock: FakeClock, new_log: NewLog
) -> None:
    records = [new_log(f"line {number}") for number in range(1000)]
    server = CuttingServer(records, [5000] * 20, is_inclusive=False)

    async def read() -> list[LogRecord]:
        async with AsyncDagyClient(
            "https://a.test",
            clock=clock,
            sleep=clock.async_sleep,
            transport=httpx.MockTransport(server),
        ) as client:
            return [record async for record in client.runs.logs("r1", follow=True)]

    assert loop.run_until_complete(read()) == records
    assert all(stream.is_closed for stream in server.streams)


def test_the_stream_goes_on_after_the_last_event(scripted: Scripted, new_log: NewLog) -> None:
    one, two = new_log("1"), new_log("2")
    script = Script(
        httpx.Response(200, headers=HEADERS, stream=Bytes(event(7, one))),
        httpx.Response(200, headers=HEADERS, stream=Bytes(event(8, two), END)),
    )
    assert list(scripted(script).runs.logs("r1", task="load", follow=True)) == [one, two]
    first, second = script.requests
    assert "Last-Event-ID" not in first.headers
    assert second.headers["Last-Event-ID"] == "7"
    assert first.headers["Accept"] == "text/event-stream"
    assert second.url.params["task"] == "load"


def test_a_stream_that_never_brings_anything_ends_in_an_error(
    scripted: Scripted, clock: FakeClock
) -> None:
    script = Script(
        httpx.Response(
            200, headers=HEADERS, stream=Bytes(b": ping\n\n", error=httpx.ReadTimeout("x"))
        )
    )
    with pytest.raises(ApiConnectionError, match="did not answer in time") as caught:
        list(scripted(script).runs.logs("r1", follow=True))
    assert len(script.requests) == 4
    assert clock.sleeps == [0.25, 0.5, 1.0]
    assert caught.value.request_id is not None


def test_what_a_stream_brings_gives_it_new_attempts(
    scripted: Scripted, clock: FakeClock, new_log: NewLog
) -> None:
    bringing = [
        httpx.Response(200, headers=HEADERS, stream=Bytes(event(number, new_log("x"))))
        for number in range(1, 10)
    ]
    script = Script(*bringing, httpx.Response(200, headers=HEADERS, stream=Bytes(END)))
    assert len(list(scripted(script).runs.logs("r1", follow=True))) == 9
    assert clock.sleeps == [0.25] * 9


def test_a_server_says_when_to_come_back(
    scripted: Scripted, clock: FakeClock, new_log: NewLog
) -> None:
    script = Script(
        httpx.Response(
            200, headers=HEADERS, stream=Bytes(b"retry: 4000\n", event(1, new_log("x")))
        ),
        httpx.Response(200, headers=HEADERS, stream=Bytes(END)),
    )
    list(scripted(script).runs.logs("r1", follow=True))
    assert clock.sleeps == [4.0]


def test_silence_is_borne_for_as_long_as_the_heartbeat_allows(
    scripted: Scripted, new_log: NewLog
) -> None:
    script = Script(httpx.Response(200, headers=HEADERS, stream=Bytes(event(1, new_log("x")), END)))
    list(scripted(script).runs.logs("r1", follow=True))
    assert script.requests[0].extensions["timeout"]["read"] == 45.0


def test_events_that_are_no_log_records_are_passed_over(
    scripted: Scripted, new_log: NewLog
) -> None:
    body = Bytes(b"event: status\ndata: {}\n\n", event(1, new_log("x")), END)
    script = Script(httpx.Response(200, headers=HEADERS, stream=body))
    assert len(list(scripted(script).runs.logs("r1", follow=True))) == 1


def test_no_content_is_the_end(scripted: Scripted) -> None:
    assert list(scripted(Script(httpx.Response(204))).runs.logs("r1", follow=True)) == []


@pytest.mark.parametrize("data", ["{", "{}", "[]"])
def test_an_event_that_does_not_fit_is_an_error(scripted: Scripted, data: str) -> None:
    stream = Bytes(f"id: 9\nevent: log\ndata: {data}\n\n".encode())
    with pytest.raises(ApiAnswerError, match="event 9: "):
        list(
            scripted(Script(httpx.Response(200, headers=HEADERS, stream=stream))).runs.logs(
                "r1", follow=True
            )
        )
    assert stream.is_closed


def test_a_server_that_has_no_streams_is_an_error(scripted: Scripted) -> None:
    stream = Bytes(b"<html>")
    response = httpx.Response(200, headers={"Content-Type": "text/html"}, stream=stream)
    with pytest.raises(ApiAnswerError, match="text/html instead of text/event-stream"):
        list(scripted(Script(response)).runs.logs("r1", follow=True))
    assert stream.is_closed


def test_a_run_that_is_not_there_is_an_error_as_elsewhere(scripted: Scripted) -> None:
    with pytest.raises(ApiNotFoundError):
        list(scripted(Script(httpx.Response(404))).runs.logs("r1", follow=True))


def test_who_stops_reading_closes_the_stream(scripted: Scripted, new_log: NewLog) -> None:
    stream = Bytes(event(1, new_log("a")), event(2, new_log("b")))
    client = scripted(Script(httpx.Response(200, headers=HEADERS, stream=stream)))
    for record in client.runs.logs("r1", follow=True):
        assert record.message == "a"
        break
    assert stream.is_closed


def test_nothing_is_read_that_nobody_wants(scripted: Scripted, new_log: NewLog) -> None:
    read: list[int] = []

    class Counted(Bytes):
        def __iter__(self) -> Any:
            for number in range(1, 1000):
                read.append(number)
                yield event(number, new_log("x"))

    response = httpx.Response(200, headers=HEADERS, stream=Counted())
    records = scripted(Script(response)).runs.logs("r1", follow=True)
    for _ in range(3):
        next(records)
    assert read == [1, 2, 3]
    records.close()


def test_without_retries_a_cut_is_the_end(scripted: Scripted, new_log: NewLog) -> None:
    response = httpx.Response(200, headers=HEADERS, stream=Bytes(event(1, new_log("a"))))
    records = scripted(Script(response), retry=RetryPolicy(max_attempts=1)).runs.logs(
        "r1", follow=True
    )
    assert next(records).message == "a"
    with pytest.raises(ApiConnectionError, match="broke the connection off"):
        next(records)
