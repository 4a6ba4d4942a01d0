"""Values of arguments: text as typed, read into what it stands for."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime, timedelta, timezone

from dagy_types import RunStatus
from dagy_types.errors import UsageError

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SPAN_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parameter(text: str) -> tuple[str, str]:
    """Read NAME=VALUE; the value may hold further equals signs.

    Raises:
        ArgumentTypeError: When there is no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE, as in day=Monday")
    return name, value


def positive_number(text: str) -> int:
    """Read a number of at least 1.

    Raises:
        ArgumentTypeError: When it is not one.
    """
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def positive_seconds(text: str) -> float:
    """Read a number of seconds above 0.

    Raises:
        ArgumentTypeError: When it is not one.
    """
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or float(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return float(text)


def run_status(text: str) -> RunStatus:
    """Read the status of a run, in upper or lower case.

    Raises:
        ArgumentTypeError: When there is no such status; names those that there are.
    """
    try:
        return RunStatus(text.upper())
    except ValueError:
        known = ", ".join(status.value for status in RunStatus)
        raise ArgumentTypeError(f"{text!r} is none of {known}") from None


def moment_since(text: str, now: datetime, *, option: str = "--since") -> datetime:
    """Read a span before ``now`` (30m, 24h, 7d) or an ISO time, local unless it has an offset.

    Args:
        option: What it was given to.

    Raises:
        UsageError: When it is neither.
    """
    span = _SPAN.fullmatch(text)
    try:
        if span:
            return now - timedelta(**{_SPAN_UNITS[span[2]]: int(span[1])})
        # Python 3.10 does not know that Z means UTC.
        return datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} cannot read {text!r} as a time.",
            hint="Use a span such as 30m, 24h or 7d, or a time such as 2026-11-01T08:00.",
        ) from None
