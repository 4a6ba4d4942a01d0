"""Records as cells: the one way in which people see times, durations, states and log lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from dagy_cli.escaping import visible
from dagy_cli.render.view import Cell, Surface
from dagy_types import LogRecord, Run, TaskRun

_GREEN, _RED, _YELLOW, _CYAN = 32, 31, 33, 36

_STATUS_COLORS: Mapping[str, int] = {
    "SUCCEEDED": _GREEN,
    "FAILED": _RED,
    "TIMED_OUT": _RED,
    "CANCELLED": _YELLOW,
    "SKIPPED": _YELLOW,
    "RUNNING": _CYAN,
}
_LEVEL_COLORS: Mapping[str, int] = {"WARNING": _YELLOW, "ERROR": _RED, "CRITICAL": _RED}

NOTHING = Cell("-")


def run_status_cell(run: Run) -> Cell:
    """Return where the run stands, with the reason if there is one."""
    reason = f" ({run.reason})" if run.reason else ""
    return Cell(f"{run.status}{reason}", _STATUS_COLORS.get(run.status.value))


def task_status_cell(task_run: TaskRun) -> Cell:
    """Return where the task stands."""
    return Cell(task_run.status.value, _STATUS_COLORS.get(task_run.status.value))


def time_cell(moment: datetime | None) -> Cell:
    """Return a moment in local time with its offset."""
    return NOTHING if moment is None else _time_cell(moment, "seconds")


def duration_cell(seconds: float | None) -> Cell:
    """Return a duration for people."""
    return NOTHING if seconds is None else Cell(duration_text(seconds))


def duration_text(seconds: float) -> str:
    """Return a duration in the two units that matter."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} m"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, as in ``1 task`` and ``2 tasks``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size_text(size_bytes: int) -> str:
    """Return a size in the unit that people would name."""
    for unit, bytes_in_unit in (("MiB", 1024 * 1024), ("KiB", 1024)):
        if size_bytes >= bytes_in_unit:
            return f"{size_bytes / bytes_in_unit:.1f} {unit}"
    return counted(size_bytes, "byte")


def log_cells(record: LogRecord) -> tuple[Cell, ...]:
    """Return a log record as time, level, task and message."""
    return (
        _time_cell(record.at, "milliseconds"),
        Cell(f"{record.level:<7}", _LEVEL_COLORS.get(record.level)),
        Cell(record.task_id or "-"),
        Cell(record.message),
    )


def line_text(cells: tuple[Cell, ...], surface: Surface) -> str:
    """Return cells as one line, or several where a text has newlines: those are indented."""
    shown = (painted(shown_text(cell, surface, keep="\n\t"), cell, surface) for cell in cells)
    return " ".join(shown).rstrip().replace("\n", "\n    ") + "\n"


def shown_text(cell: Cell, surface: Surface, *, keep: str = "") -> str:
    """Return the text of a cell as it may be shown, without control characters but those kept."""
    if cell.moment is not None and surface.is_utc:
        return cell.moment.astimezone(timezone.utc).isoformat(sep=" ", timespec=cell.timespec)
    return visible(cell.text, keep=keep)


def _time_cell(moment: datetime, timespec: str) -> Cell:
    text = moment.astimezone().isoformat(sep=" ", timespec=timespec)
    return Cell(text, moment=moment, timespec=timespec)


def painted(text: str, cell: Cell, surface: Surface) -> str:
    """Return the text in the colour of the cell, where colours may be shown."""
    if cell.color is None or not surface.has_color:
        return text
    return f"\x1b[{cell.color}m{text}\x1b[0m"


def shortened(text: str, width: int, surface: Surface) -> str:
    """Return at most so many characters of the text, the cut marked."""
    if len(text) <= width:
        return text
    mark = "…" if surface.is_unicode else "..."
    return text[: max(width - len(mark), 0)] + mark
