"""The requests that a command makes, shown to people who ask for it (CLI-27)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from dagy_cli.app import Options
from dagy_cli.console import Console

_REQUESTS = logging.getLogger("dagy_client")
_HEADERS = logging.getLogger("dagy_client.headers")


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.note(record.getMessage())


@contextmanager
def shown_requests(options: Options, console: Console) -> Iterator[None]:
    """Show each request on stderr with `--verbose`, and its headers, too, with `--debug`."""
    if not (options.is_verbose or options.is_debug):
        yield
        return
    handler = _ConsoleHandler(console)
    before = _REQUESTS.level, _HEADERS.level
    _REQUESTS.setLevel(logging.DEBUG)
    _HEADERS.setLevel(logging.DEBUG if options.is_debug else logging.CRITICAL)
    _REQUESTS.addHandler(handler)
    try:
        yield
    finally:
        _REQUESTS.removeHandler(handler)
        _REQUESTS.setLevel(before[0])
        _HEADERS.setLevel(before[1])
