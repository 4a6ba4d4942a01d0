from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_store._rows import to_microseconds, to_optional_time, to_text, to_time


@given(st.datetimes(timezones=st.just(timezone.utc)))
def test_times_survive_to_the_microsecond(moment: datetime) -> None:
    assert to_time(to_microseconds(moment)) == moment


def test_times_of_other_zones_are_kept_in_utc() -> None:
    moment = datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert to_microseconds(moment) == to_microseconds(datetime(2026, 11, 1, tzinfo=timezone.utc))


def test_a_missing_time_stays_missing() -> None:
    assert to_optional_time(None) is None
    assert to_optional_time(0) == datetime(1970, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "stored"),
    [(None, None), ("", ""), ("plain", "plain"), ("Köln ☃", "Köln ☃"), ("\udcff", r"\udcff")],
)
def test_any_text_can_be_stored_and_stays_readable(text: str | None, stored: str | None) -> None:
    assert to_text(text) == stored
