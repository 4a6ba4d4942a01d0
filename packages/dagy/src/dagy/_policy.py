"""When an attempt is repeated, and how long that waits. Pure: chance is a parameter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dagy_types.errors import FlowDefinitionError

_MOST_SECONDS = sys.float_info.max

RetryDelay = float | Sequence[float] | Callable[[int], Sequence[float]] | None
"""Seconds before each retry: the same for all, one for each (the last one repeats), or a function
from the number of retries to such a list; none without a wait."""


class Delays(NamedTuple):
    """How long to wait before each retry.

    Attributes:
        seconds: For the first retries, one each; the last is for all that follow.
    """

    seconds: tuple[float, ...] = (0.0,)

    def before(self, retry: int) -> float:
        """Return the seconds to wait before a retry; they count from 0."""
        return self.seconds[min(retry, len(self.seconds) - 1)]


def retry_delays(retries: int, delay: RetryDelay) -> Delays:
    """Return how long to wait before each of so many retries.

    Raises:
        FlowDefinitionError: When a delay is no number of seconds, or the function fails.
    """
    if delay is None or (callable(delay) and not retries):
        return Delays()
    if callable(delay):
        delay = _called(delay, retries)
    each = list(delay) if isinstance(delay, (list, tuple)) else [delay]
    if not each:
        raise FlowDefinitionError(
            "retry_delay_seconds is empty.", hint="Leave it out, or give one delay or more."
        )
    return Delays(tuple(seconds_or_refuse("retry_delay_seconds", one) for one in each))


def jittered(delay: float, factor: float | None, chance: Callable[[], float]) -> float:
    """Return the delay plus a random share of it: at most ``factor`` of it.

    Args:
        chance: Returns a number from 0 up to 1.
    """
    return delay + delay * factor * chance() if factor else delay


def any_chance() -> float:
    """Return a number from 0 up to 1."""
    from random import random  # takes a while to load, and few runs need it

    return random()  # noqa: S311  nobody gains from guessing a delay


def is_worth_a_retry(error: BaseException, condition: Callable[[Exception], bool] | None) -> bool:
    """Tell whether a failure may go away; what the condition raises is passed on."""
    if not isinstance(error, Exception):  # sys.exit() and the like are meant to end things
        return False
    return condition is None or bool(condition(error))


def seconds_or_refuse(name: str, value: Any) -> float:
    """Return a number of seconds.

    Raises:
        FlowDefinitionError: When the value is negative, infinite or no number.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and 0 <= value <= _MOST_SECONDS:
        return float(value)
    raise FlowDefinitionError(
        f"{name} must be a number of seconds from 0; got {value!r}.",
        hint="Give seconds, such as 2 or 0.5.",
    )


def _called(delay: Callable[[int], Sequence[float]], retries: int) -> Sequence[float]:
    try:
        delays = delay(retries)
    except Exception as error:
        raise FlowDefinitionError(
            f"The function in retry_delay_seconds raised {type(error).__name__}: {error}.",
            hint="It gets the number of retries and returns a list of seconds.",
        ) from error
    if isinstance(delays, (list, tuple)):
        return delays
    raise FlowDefinitionError(
        f"The function in retry_delay_seconds returned {delays!r}, which is not a list.",
        hint="It gets the number of retries and returns a list of seconds.",
    )
