"""How long things may take, and how often they are tried."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dagy_types.errors import UsageError

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits of time, in seconds; there is no way to have none.

    Attributes:
        connect: To open a connection.
        read: Between two parts of an answer.
        write: Between two parts of a request.
        pool: To get a connection, when all are in use.
        total: For a call, with all its retries and waits.
        transfer: The same, for the upload or the download of an archive.
        heartbeat: Between two signs of life of a live stream; servers give one every 15 seconds.
    """

    connect: float = 5.0
    read: float = 30.0
    write: float = 30.0
    pool: float = 5.0
    total: float = 60.0
    transfer: float = 3600.0
    heartbeat: float = 45.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            seconds = getattr(self, name)
            if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
                raise UsageError(
                    f"Timeout {name!r} is {seconds!r}.", hint="Give it a number of seconds above 0."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a call is tried again, if it is safe to repeat.

    Before its retry number *n* a call waits between 0 and ``base_seconds`` · 2ⁿ⁻¹ seconds, at most
    ``max_delay_seconds``, all equally likely; and at least as long as the server asks for.

    Attributes:
        max_attempts: With the first one.
        max_retry_after_seconds: A server that asks for a longer wait ends the call.
    """

    max_attempts: int = 4
    base_seconds: float = 0.5
    max_delay_seconds: float = 8.0
    max_retry_after_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise UsageError(
                f"max_attempts is {self.max_attempts}.", hint="1 means: no retries; give that."
            )


def is_retried(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether the same request may have another answer a little later."""
    # A conflict that names a time is a call with the same idempotency key that is under way.
    return status in RETRIED_STATUSES or (status == 409 and "retry-after" in headers)


def delay_before_retry(
    policy: RetryPolicy,
    *,
    attempt: int,
    remaining_seconds: float,
    random: Callable[[], float],
    retry_after_seconds: float | None = None,
) -> float | None:
    """Return how long to wait after an attempt that failed; ``None`` to give up."""
    wanted = retry_after_seconds or 0.0
    if attempt >= policy.max_attempts or wanted > policy.max_retry_after_seconds:
        return None
    delay = max(wanted, backoff_seconds(policy, attempt=attempt, random=random))
    return delay if delay < remaining_seconds else None


def backoff_seconds(policy: RetryPolicy, *, attempt: int, random: Callable[[], float]) -> float:
    """Return a delay between 0 and a bound that doubles with each attempt ("full jitter")."""
    return random() * min(
        policy.max_delay_seconds, policy.base_seconds * 2.0 ** min(attempt - 1, 60)
    )


def retry_after_seconds(headers: Mapping[str, str], *, now: float) -> float | None:
    """Read ``Retry-After``, a number of seconds or a date; ``None`` when it is neither.

    A date is compared with the server's own clock, where the answer tells it.
    """
    text = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    date = _parse_date(text)
    if date is None:
        return None
    sent = _parse_date(headers.get("date", ""))
    return max(0.0, date.timestamp() - (now if sent is None else sent.timestamp()))


def random_fraction() -> float:
    """Return a number from 0 to below 1; two processes that fork get different ones."""
    return int.from_bytes(os.urandom(6), "big") / 2**48


def _parse_date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # rarely needed, and slow to load

    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
