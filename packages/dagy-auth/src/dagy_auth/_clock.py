"""This machine's clock, and how far it is off."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def utc_now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(timezone.utc)


def clock_skew(date: str | None, *, sent_at: datetime, received_at: datetime) -> float:
    """Return how many seconds this machine's clock is ahead of the one in a Date header.

    The header has whole seconds, and the answer took its time: what these can explain is no skew.
    """
    from email.utils import parsedate_to_datetime

    try:
        written = parsedate_to_datetime(date or "")
        if written.tzinfo is None:
            written = written.replace(tzinfo=timezone.utc)
        least = (sent_at - written - timedelta(seconds=1)).total_seconds()
        most = (received_at - written).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return 0.0 if least <= 0.0 <= most else (least + most) / 2
