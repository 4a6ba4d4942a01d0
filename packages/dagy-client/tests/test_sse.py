from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dagy_client._sse import EventParser, ServerEvent

lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=20)
names = lines.map(lambda text: text.replace("\0", "")).filter(bool)
events = st.builds(
    ServerEvent,
    kind=names,
    data=st.lists(lines, min_size=1, max_size=3).map("\n".join),
    event_id=names,
)


def spelled(event: ServerEvent, line_end: str) -> str:
    fields = [f"event: {event.kind}", f"id: {event.event_id}", ": a comment"]
    fields += [f"data: {line}" for line in event.data.split("\n")]
    return "".join(f"{field}{line_end}" for field in [*fields, ""])


def parsed(*chunks: bytes) -> list[ServerEvent]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@given(
    st.lists(events, max_size=4),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 400)),
)
def test_events_are_the_same_however_the_bytes_are_cut(
    sent: list[ServerEvent], line_end: str, cuts: list[int]
) -> None:
    stream = "".join(spelled(event, line_end) for event in sent).encode()
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    chunks = [stream[start:end] for start, end in pairwise(places)]
    assert parsed(*chunks) == sent


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_no_bytes_do_harm(chunks: list[bytes]) -> None:
    parsed(*chunks)


def test_an_event_without_its_end_is_not_there() -> None:
    assert parsed(b"data: 1\n\ndata: 2\n") == [ServerEvent("message", "1")]


def test_an_id_holds_for_the_events_after_it() -> None:
    found = parsed(b"id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: x\0y\ndata: d\n\n")
    assert [event.event_id for event in found] == ["7", "7", "", ""]


def test_an_event_without_data_is_none() -> None:
    assert parsed(b"event: x\n\n: ping\n\ndata\n\n") == [ServerEvent("message", "")]


def test_only_one_space_after_the_colon_is_not_data() -> None:
    assert parsed(b"data:  a\ndata:b\n\n") == [ServerEvent("message", " a\nb")]


def test_a_byte_order_mark_is_taken_off_once() -> None:
    assert parsed(b"\xef\xbb\xbfdata: a\n\n") == [ServerEvent("message", "a")]


def test_what_is_no_utf_8_is_replaced() -> None:
    assert parsed(b"data: \xff\n\n") == [ServerEvent("message", "\ufffd")]


def test_a_server_says_how_long_it_wants_to_be_left_alone() -> None:
    parser = EventParser()
    assert list(parser.feed(b"retry: 1500\nretry: soon\nunknown: 1\n\n")) == []
    assert parser.retry_seconds == 1.5
