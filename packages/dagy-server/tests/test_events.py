from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_server import events


def test_an_event_has_its_name_its_number_and_its_document() -> None:
    assert (
        events.named_event("log", {"message": "ä"}, number=7)
        == b'event: log\nid: 7\ndata: {"message":"\\u00e4"}\n\n'
    )


def test_an_event_without_a_number_leaves_the_last_id_alone() -> None:
    assert events.named_event("end", {}) == b"event: end\ndata: {}\n\n"


@given(st.text())
def test_no_text_breaks_out_of_its_event(text: str) -> None:
    event = events.named_event("log", {"message": text}, number=1)
    name, number, data = event.removesuffix(b"\n\n").split(b"\n")
    assert (name, number) == (b"event: log", b"id: 1")
    assert json.loads(data.removeprefix(b"data: ")) == {"message": text}
    assert b"\r" not in event


@pytest.mark.parametrize(
    ("text", "number"),
    [(None, 0), ("", 0), ("0", 0), ("17", 17), ("-1", None), ("x", None), ("٣", None)],
)
def test_the_last_id_is_read_back(text: str | None, number: int | None) -> None:
    assert events.parse_last_event_id(text) == number


def test_a_number_that_no_database_holds_is_no_id() -> None:
    assert events.parse_last_event_id("9" * 19) is None


def test_events_are_closed_when_the_client_goes_while_something_is_sent() -> None:
    is_closed = False

    async def stream() -> AsyncGenerator[bytes, None]:
        nonlocal is_closed
        try:
            yield events.HEARTBEAT
        finally:
            is_closed = True

    async def answer() -> None:
        is_sending = anyio.Event()

        async def receive() -> dict[str, Any]:
            await is_sending.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                is_sending.set()
                await anyio.sleep_forever()

        scope = {"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}
        await events.EventStream(stream())(scope, receive, send)
        assert is_closed

    anyio.run(answer)
