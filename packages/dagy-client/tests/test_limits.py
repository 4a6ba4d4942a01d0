from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_client import RetryPolicy, Timeouts
from dagy_client._limits import (
    RETRIED_STATUSES,
    backoff_seconds,
    delay_before_retry,
    is_retried,
    random_fraction,
    retry_after_seconds,
)
from dagy_types.errors import UsageError

NOW = 1_793_534_400.0  # Sun, 01 Nov 2026 12:00:00 GMT


def test_no_limit_is_missing() -> None:
    """HTTP-04."""
    limits = Timeouts()
    assert all(0 < getattr(limits, name) < float("inf") for name in Timeouts.__slots__)
    assert (limits.connect, limits.total) == (5.0, 60.0)


@pytest.mark.parametrize("seconds", [None, 0, -1, float("inf"), float("nan"), "5"])
def test_a_limit_cannot_be_taken_away(seconds: float) -> None:
    with pytest.raises(UsageError, match="Timeout 'read'"):
        Timeouts(read=seconds)


def test_there_is_at_least_one_attempt() -> None:
    with pytest.raises(UsageError, match="max_attempts is 0"):
        RetryPolicy(max_attempts=0)


def test_these_statuses_are_tried_again() -> None:
    """HTTP-01: the table in the README."""
    assert {status for status in range(100, 600) if is_retried(status, {})} == RETRIED_STATUSES
    assert {408, 425, 429, 500, 502, 503, 504} == RETRIED_STATUSES


def test_a_conflict_is_tried_again_when_the_server_names_a_time() -> None:
    """HTTP-03: another attempt with the same key is under way."""
    assert is_retried(409, {"retry-after": "1"})
    assert not is_retried(409, {})


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (9999, 8.0)]
)
def test_the_bound_of_a_delay_doubles_up_to_a_maximum(attempt: int, bound: float) -> None:
    """HTTP-01: full jitter."""
    policy = RetryPolicy()
    assert backoff_seconds(policy, attempt=attempt, random=lambda: 0.0) == 0.0
    assert backoff_seconds(policy, attempt=attempt, random=lambda: 0.5) == bound / 2
    assert backoff_seconds(policy, attempt=attempt, random=lambda: 1.0) == bound


@given(st.integers(1, 10), st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_no_delay_ends_after_the_deadline(attempt: int, dice: float, remaining: float) -> None:
    delay = delay_before_retry(
        RetryPolicy(max_attempts=99),
        attempt=attempt,
        remaining_seconds=remaining,
        random=lambda: dice,
        retry_after_seconds=3.0,
    )
    assert delay is None or 3.0 <= delay < remaining


def test_the_last_attempt_is_not_followed_by_another() -> None:
    for attempt, expected in ((3, 1.0), (4, None)):
        delay = delay_before_retry(
            RetryPolicy(), attempt=attempt, remaining_seconds=60, random=lambda: 0.5
        )
        assert delay == expected


@pytest.mark.parametrize(
    ("wanted", "expected"), [(0.0, 0.25), (7.0, 7.0), (30.0, 30.0), (31.0, None)]
)
def test_a_server_gets_the_time_that_it_asks_for_up_to_a_maximum(
    wanted: float, expected: float | None
) -> None:
    delay = delay_before_retry(
        RetryPolicy(),
        attempt=1,
        remaining_seconds=60,
        random=lambda: 0.5,
        retry_after_seconds=wanted,
    )
    assert delay == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("1000000000", 1e9),
        ("9" * 400, float("inf")),
        ("Sun, 01 Nov 2026 12:00:10 GMT", 10.0),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        (".", None),
        ("1e3", None),
        ("٣", None),
        ("Sun, 99 Nov 2026 12:00:10 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    """HTTP-01."""
    assert retry_after_seconds({"retry-after": text}, now=NOW) == seconds


def test_a_date_is_meant_by_the_clock_of_the_server() -> None:
    headers = {
        "retry-after": "Sun, 01 Nov 2026 12:00:10 GMT",
        "date": "Sun, 01 Nov 2026 12:00:07 GMT",
    }
    assert retry_after_seconds(headers, now=NOW - 86_400) == 3.0


@given(st.text())
def test_no_text_in_retry_after_does_harm(text: str) -> None:
    seconds = retry_after_seconds({"retry-after": text}, now=NOW)
    assert seconds is None or seconds >= 0


def test_a_fraction_is_below_one() -> None:
    draw: Callable[[], float] = random_fraction
    drawn = {draw() for _ in range(100)}
    assert len(drawn) == 100
    assert all(0 <= each < 1 for each in drawn)
