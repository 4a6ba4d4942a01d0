"""What a run logs, shown to people while they wait for it."""

from __future__ import annotations

from collections.abc import Callable

from dagy_cli.render.cells import line_text, log_cells
from dagy_cli.render.view import Cell, Surface
from dagy_types import LogRecord

_PRINTED = ("stdout", "stderr")  # the loggers of what tasks print


def log_echo(
    show: Callable[[str], None], surface: Surface, *, is_verbose: bool
) -> Callable[[LogRecord], None]:
    """Return what shows a record: of what tasks print only the text, unless all is wanted."""

    def echo(record: LogRecord) -> None:
        is_bare = record.logger in _PRINTED and not is_verbose
        cells = (Cell(record.message),) if is_bare else log_cells(record)
        show(line_text(cells, surface))

    return echo
