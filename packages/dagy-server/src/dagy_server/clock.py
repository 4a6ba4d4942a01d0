"""Time as the server keeps it: microseconds since 1970, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from dagy_types import format_time

Clock = Callable[[], int]
"""Gives the time in microseconds."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def system_clock() -> int:
    """Return the time of this machine."""
    return time.time_ns() // 1000


def to_datetime(microseconds: int) -> datetime:
    """Return a time that the database holds."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_optional_datetime(microseconds: int | None) -> datetime | None:
    """Return a time that the database may hold."""
    return None if microseconds is None else to_datetime(microseconds)


def from_datetime(moment: datetime) -> int:
    """Return a time as the database holds it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_text(microseconds: int | None) -> str | None:
    """Return a time as documents hold it: RFC 3339 in UTC."""
    return None if microseconds is None else format_time(to_datetime(microseconds))
