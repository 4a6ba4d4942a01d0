from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_server.byte_range import ByteRange, UnsatisfiableRange, parse_range


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-", ByteRange(0, 10)),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=3-5", ByteRange(3, 6)),
        ("bytes=3-99", ByteRange(3, 10)),
        ("bytes=-4", ByteRange(6, 10)),
        ("bytes=-99", ByteRange(0, 10)),
        (" bytes=9- ", ByteRange(9, 10)),
    ],
)
def test_a_range_is_a_part_of_the_body(header: str, found: ByteRange) -> None:
    assert parse_range(header, size=10) == found


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=-",
        "bytes=5-3",
        "lines=0-1",
        "bytes=0-1,3-4",
        "bytes=x-",
        "bytes=٣-",
    ],
)
def test_what_is_no_single_range_means_the_whole_body(header: str | None) -> None:
    assert parse_range(header, size=10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(UnsatisfiableRange):
        parse_range(header, size=10)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1"])
def test_an_empty_body_has_no_ranges(header: str) -> None:
    with pytest.raises(UnsatisfiableRange):
        parse_range(header, size=0)


@given(st.text() | st.from_regex(r"bytes=[0-9]{0,20}-[0-9]{0,20}"), st.integers(0, 2**40))
def test_no_header_leads_outside_of_the_body(header: str, size: int) -> None:
    try:
        found = parse_range(header, size=size)
    except UnsatisfiableRange:
        return
    assert found is None or (0 <= found.start < found.stop <= size and found.size > 0)
