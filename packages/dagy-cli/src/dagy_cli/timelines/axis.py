"""The time axis: where its marks are and what they say."""

from __future__ import annotations

from collections.abc import Iterator

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SHORTEST_STEP = 0.0001


def ticks(seconds: float, *, most: int) -> list[tuple[float, str]]:
    """Return round moments from 0 to ``seconds``, at most so many and one, each with its text."""
    step = next(step for step in _steps() if seconds / step <= max(most, 1))
    return [(index * step, _text(index * step)) for index in range(int(seconds / step) + 1)]


def _steps() -> Iterator[float]:
    unit = _SHORTEST_STEP
    while unit < _MINUTE / 2:
        yield from (unit, 2 * unit, 5 * unit)
        unit = round(unit * 10, 4)
    minutes_and_hours = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 720)
    yield from (_MINUTE * each for each in minutes_and_hours)
    days: float = 1
    while True:
        yield _DAY * days
        days *= 2


def _text(seconds: float) -> str:
    if seconds == 0:
        return "0"
    if seconds < 1:
        return f"{round(seconds * 1000, 1):g} ms"
    if seconds < _MINUTE:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < 60:
        return f"{minutes} m {rest:02} s" if rest else f"{minutes} m"
    return f"{minutes // 60} h {minutes % 60:02} m" if minutes % 60 else f"{minutes // 60} h"
