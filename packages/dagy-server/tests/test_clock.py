from __future__ import annotations

import time
from datetime import datetime, timezone

from dagy_server.clock import (
    from_datetime,
    system_clock,
    to_datetime,
    to_optional_datetime,
    to_text,
)

_MOMENT = datetime(2026, 11, 1, 12, 0, 0, 123_457, timezone.utc)


def test_times_keep_their_microseconds() -> None:
    assert to_datetime(from_datetime(_MOMENT)) == _MOMENT
    assert from_datetime(datetime(1969, 12, 31, 23, 59, 59, tzinfo=timezone.utc)) == -1_000_000


def test_documents_hold_times_as_text() -> None:
    assert to_text(from_datetime(_MOMENT)) == "2026-11-01T12:00:00.123457Z"
    assert to_text(None) is None
    assert to_optional_datetime(None) is None
    assert to_optional_datetime(0) == datetime(1970, 1, 1, tzinfo=timezone.utc)


def test_the_clock_of_the_system_counts_microseconds() -> None:
    before = time.time()
    assert before - 1 <= system_clock() / 1_000_000 <= time.time() + 1
