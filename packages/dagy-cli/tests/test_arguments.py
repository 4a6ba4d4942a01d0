from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime, timedelta, timezone

import pytest

from dagy_cli.arguments import (
    moment_since,
    parameter,
    positive_number,
    positive_seconds,
    run_status,
)
from dagy_types import RunStatus
from dagy_types.errors import UsageError

NOW = datetime(2026, 11, 8, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-11-01T08:00Z", datetime(2026, 11, 1, 8, tzinfo=timezone.utc)),
        ("2026-11-01T08:00+02:00", datetime(2026, 11, 1, 6, tzinfo=timezone.utc)),
        ("2026-11-01", datetime(2026, 11, 1).astimezone()),
    ],
)
def test_since_reads_spans_and_times(text: str, moment: datetime) -> None:
    assert moment_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "7", "d", "-1d", "999999w", "2026-13-01"])
def test_since_refuses_what_is_neither(text: str) -> None:
    with pytest.raises(UsageError, match="--since cannot read"):
        moment_since(text, NOW)


def test_a_status_is_read_in_any_case_and_the_known_ones_are_named() -> None:
    assert run_status("failed") is RunStatus.FAILED
    known = "QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED"
    with pytest.raises(ArgumentTypeError, match=f"'broken' is none of {known}"):
        run_status("broken")


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "", "٣", "9" * 30])
def test_a_number_must_be_positive_and_whole(text: str) -> None:
    assert positive_number("20") == 20
    with pytest.raises(ArgumentTypeError, match="not a whole number from 1"):
        positive_number(text)


def test_a_parameter_may_hold_equals_signs() -> None:
    assert parameter("query=a=b") == ("query", "a=b")
    for text in ("query", "=x", ""):
        with pytest.raises(ArgumentTypeError):
            parameter(text)


def test_seconds_may_have_a_fraction() -> None:
    assert [positive_seconds(text) for text in ("5", "0.25")] == [5.0, 0.25]


@pytest.mark.parametrize("text", ["", "0", "0.0", "-1", "1e3", "inf", "nan", "5s", "soon"])
def test_what_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a number of seconds above 0"):
        positive_seconds(text)
