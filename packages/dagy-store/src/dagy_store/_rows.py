"""Between values of Python and values of SQLite."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

BEGINNING_OF_TIME = -(2**63)
"""Is before every time, in microseconds."""


def to_microseconds(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970 in UTC, exactly."""
    since = moment - _EPOCH
    # Spelt out, because it is done for each record, and a division of times takes twice as long.
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_time(microseconds: int) -> datetime:
    """Return the time in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_optional_time(microseconds: int | None) -> datetime | None:
    """Return the time in UTC, if there is one."""
    return None if microseconds is None else to_time(microseconds)


def to_text(text: str | None) -> str | None:
    r"""Return text that SQLite can store.

    Messages may quote names of files that are not UTF-8, which Python spells as lone surrogates;
    they are kept as readable escapes such as ``\udcff``.
    """
    if text is None or text.isascii():
        return text
    return text.encode(errors="backslashreplace").decode()
