"""A timeline for a terminal: one task on a line, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagy_cli.render.cells import duration_text, shortened, task_status_cell
from dagy_cli.render.view import Cell, Surface
from dagy_cli.timelines.axis import ticks
from dagy_cli.timelines.bars import Bar, Timeline

_MOST_BARS = 50
_NARROWEST_BARS = 12
_NARROWEST_IDS = 8
_COLUMNS_PER_TICK = 10


def timeline_lines(
    timeline: Timeline, *, width: int, surface: Surface, most: int = _MOST_BARS
) -> Iterator[Sequence[Cell]]:
    """Yield the axis, the first bars, and how many more tasks there are.

    Args:
        width: In columns; very narrow ones are exceeded.
        surface: Whether ASCII must do.
        most: How many bars to show.
    """
    shown = timeline.bars[:most]
    if shown:
        yield from _bar_lines(shown, timeline.seconds, width, surface)
    hidden = len(timeline.bars) - len(shown)
    if hidden:
        yield (Cell(f"{hidden} more started: --svg FILE draws them all."),)
    if timeline.reused:
        yield (Cell(f"{timeline.reused} reused without running."),)
    if timeline.absent:
        yield (Cell(f"{timeline.absent} not started."),)


def _bar_lines(
    bars: Sequence[Bar], seconds: float, width: int, surface: Surface
) -> Iterator[Sequence[Cell]]:
    ends = _ends(bars)
    end_width = max(map(len, ends))
    id_width = min(
        max(len(bar.task.task_id) for bar in bars),
        max(width - end_width - 2 - _NARROWEST_BARS, _NARROWEST_IDS),
        max(width // 3, _NARROWEST_IDS),
    )
    bars_width = max(width - id_width - end_width - 2, _NARROWEST_BARS)
    yield (Cell(" " * id_width), Cell(_axis(seconds, bars_width)))
    for bar, end in zip(bars, ends, strict=True):
        name = shortened(bar.task.task_id, id_width, surface)
        drawn = _bar(bar, seconds, bars_width, surface)
        color = task_status_cell(bar.task).color
        yield (Cell(f"{name:<{id_width}}"), Cell(drawn, color), Cell(end))


def _ends(bars: Sequence[Bar]) -> list[str]:
    durations = [duration_text(bar.seconds) for bar in bars]
    width = max(map(len, durations))
    return [
        f"{duration:>{width}}{bar.remark}" for bar, duration in zip(bars, durations, strict=True)
    ]


def _bar(bar: Bar, seconds: float, width: int, surface: Surface) -> str:
    start = min(int(bar.start_seconds / seconds * width), width - 1)
    end = round((bar.start_seconds + bar.seconds) / seconds * width)
    length = min(max(end - start, 1), width - start)
    return f"{' ' * start}{('█' if surface.is_unicode else '#') * length}".ljust(width)


def _axis(seconds: float, width: int) -> str:
    line = ""
    for at, text in ticks(seconds, most=width // _COLUMNS_PER_TICK):
        column = int(at / seconds * width)
        if column >= len(line) and column + len(text) <= width:
            line = f"{line:<{column}}{text} "
    return line.rstrip()
