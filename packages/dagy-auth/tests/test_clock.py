from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_auth._clock import clock_skew, utc_now

_NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def _skew(date: str | None, *, took_seconds: float = 0.2) -> float:
    received_at = _NOON + timedelta(seconds=took_seconds)
    return clock_skew(date, sent_at=_NOON, received_at=received_at)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_off_is_noticed(minutes: int) -> None:
    """AUTH-12: the skew is learned from the Date header."""
    date = format_datetime(_NOON - timedelta(minutes=minutes), usegmt=True)
    assert _skew(date) == pytest.approx(minutes * 60, abs=1.0)


@pytest.mark.parametrize("seconds", [-1, 0])
def test_what_rounding_explains_is_no_skew(seconds: int) -> None:
    date = format_datetime(_NOON + timedelta(seconds=seconds), usegmt=True)
    assert _skew(date, took_seconds=0.9) == 0.0


def test_a_slow_answer_is_no_skew() -> None:
    date = format_datetime(_NOON + timedelta(seconds=20), usegmt=True)
    assert _skew(date, took_seconds=30.0) == 0.0


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_a_date_that_is_none_tells_nothing(date: str | None) -> None:
    assert _skew(date) == 0.0


def test_a_date_without_a_zone_is_in_utc() -> None:
    assert _skew("Sun, 01 Nov 2026 12:00:00 -0000") == 0.0


@given(date=st.text())
def test_no_date_is_too_odd_to_read(date: str) -> None:
    _skew(date)


def test_the_clock_is_in_utc() -> None:
    assert utc_now().utcoffset() == timedelta(0)
