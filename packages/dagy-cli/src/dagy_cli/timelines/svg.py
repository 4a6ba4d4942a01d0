"""A timeline as a picture: every task that has started, with the details to hover over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dagy_cli.render.cells import duration_text, shortened, time_cell
from dagy_cli.render.view import Surface
from dagy_cli.svg import number, svg_document, svg_text, text_width
from dagy_cli.timelines.axis import ticks
from dagy_cli.timelines.bars import Bar, Timeline
from dagy_types import Run, TaskStatus

_COLORS: Mapping[TaskStatus, str] = {
    TaskStatus.SUCCEEDED: "#3c8d5a",
    TaskStatus.FAILED: "#c63d4c",
    TaskStatus.TIMED_OUT: "#8f2d56",
    TaskStatus.CANCELLED: "#c98a1b",
    TaskStatus.SKIPPED: "#c98a1b",
    TaskStatus.RUNNING: "#2b7fab",
    TaskStatus.PENDING: "#9aa5b1",
}
_MARGIN = 20
_BARS_WIDTH = 720
_END_WIDTH = 160  # for the words behind a bar that goes to the end of the axis
_TOP = 104
_ROW_HEIGHT = 24
_BAR_HEIGHT = 14
_LONGEST_ID = 48
_MOST_TICKS = 8
_SWATCH = 12
_STYLE = ".heading { font-weight: bold; } .faint { fill: #52606d; } line { stroke: #d9dfe5; }"


def timeline_svg(run: Run, timeline: Timeline) -> str:
    """Return an SVG document with an axis of time, a bar for each task, and what colours mean."""
    names = [shortened(bar.task.task_id, _LONGEST_ID, Surface()) for bar in timeline.bars]
    left = _MARGIN + max(map(text_width, names), default=0) + 12
    title = f"{run.flow_name}, run {run.run_id}: {run.status}"
    started = f"started {time_cell(timeline.started_at).text}"
    body = [
        f'<text class="heading" x="{_MARGIN}" y="30">{svg_text(title)}</text>',
        f'<text class="faint" x="{_MARGIN}" y="50">{svg_text(started)}</text>',
        *_legend(timeline),
        *_axis(timeline, left),
    ]
    for index, (bar, name) in enumerate(zip(timeline.bars, names, strict=True)):
        body.append(_row(bar, name, left=left, top=_top(index), scale=_scale(timeline)))
    return svg_document(
        body,
        width=max(left + _BARS_WIDTH + _END_WIDTH, text_width(title) + 2 * _MARGIN),
        height=_top(len(timeline.bars)) + _MARGIN,
        title=title,
        style=_STYLE,
    )


def _top(index: int) -> float:
    return _TOP + index * _ROW_HEIGHT


def _scale(timeline: Timeline) -> float:
    return _BARS_WIDTH / timeline.seconds


def _legend(timeline: Timeline) -> Iterator[str]:
    present = {bar.task.status for bar in timeline.bars}
    x: float = _MARGIN
    for status in [each for each in TaskStatus if each in present]:
        yield (
            f'<rect x="{number(x)}" y="61" width="{_SWATCH}" height="{_SWATCH}" '
            f'fill="{_COLORS[status]}"/>'
            f'<text class="faint" x="{number(x + _SWATCH + 6)}" y="71">{status}</text>'
        )
        x += _SWATCH + 24 + text_width(status.value)
    rest = [(timeline.reused, "reused without running"), (timeline.absent, "not started")]
    text = ", ".join(f"{count} {what}" for count, what in rest if count)
    if text:
        yield f'<text class="faint" x="{number(x)}" y="71">{text}</text>'


def _axis(timeline: Timeline, left: float) -> Iterator[str]:
    bottom = _top(len(timeline.bars))
    for at, text in ticks(timeline.seconds, most=_MOST_TICKS):
        x = number(left + at * _scale(timeline))
        yield (
            f'<line x1="{x}" y1="{_TOP - 4}" x2="{x}" y2="{number(bottom)}"/>'
            f'<text class="faint" x="{x}" y="{_TOP - 8}" text-anchor="middle">{text}</text>'
        )


def _row(bar: Bar, name: str, *, left: float, top: float, scale: float) -> str:
    x, width = left + bar.start_seconds * scale, max(bar.seconds * scale, 2)
    baseline = number(top + _BAR_HEIGHT)
    return (
        f"<g><title>{_hover(bar)}</title>"
        f'<text x="{number(left - 12)}" y="{baseline}" text-anchor="end">{svg_text(name)}</text>'
        f'<rect x="{number(x)}" y="{number(top + 3)}" width="{number(width)}" '
        f'height="{_BAR_HEIGHT}" rx="2" fill="{_COLORS[bar.task.status]}"/>'
        f'<text class="faint" x="{number(x + width + 6)}" y="{baseline}">'
        f"{duration_text(bar.seconds)}{bar.remark}</text></g>"
    )


def _hover(bar: Bar) -> str:
    lines = [
        f"{bar.task.task_id}: {bar.task.status}, attempt {bar.task.attempt}",
        f"from {duration_text(bar.start_seconds)}, for {duration_text(bar.seconds)}",
    ]
    if bar.task.name != bar.task.task_id:
        lines.insert(0, bar.task.name)
    if bar.progress is not None:
        lines.append(f"{bar.progress[0]} of {bar.progress[1]} children succeeded")
    if bar.task.error:
        lines.append(bar.task.error)
    return "&#10;".join(svg_text(line) for line in lines)
