"""How far an upload is, on one redrawn line of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from dagy_cli.console import Console
from dagy_cli.render.cells import size_text

_CLEAR_LINE = "\r\x1b[2K"


@contextmanager
def upload_progress(console: Console, name: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give what is told how many bytes are sent, of how many; nothing where nobody looks.

    Nothing of it is left on the terminal at the end.
    """
    if console.is_quiet or not console.can_redraw:
        yield None
        return
    try:
        yield partial(_draw, console, name)
    finally:
        console.write_error(_CLEAR_LINE)


def _draw(console: Console, name: str, sent: int, size: int) -> None:
    percent = 100 * sent // size if size else 100
    line = f"Uploading {name}: {percent} % of {size_text(size)}"
    console.write_error(_CLEAR_LINE + line[: console.columns - 1])
