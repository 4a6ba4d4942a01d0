"""What people type while a command runs; nothing is read where nobody types."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections import deque

from dagy_cli.app import App
from dagy_cli.console import Console

_LOOK_SECONDS = 0.1


def can_ask(app: App) -> bool:
    """Whether somebody sees a question, can answer it, and has not ruled it out."""
    return app.options.allows_input and sys.stdin.isatty() and app.console.stderr.isatty()


def confirm(question: str, console: Console) -> bool:
    """Ask a question that only yes is yes to."""
    console.write_error(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


class PastedLines:
    """Gives the lines that are pasted, one at each call.

    The descriptor is read directly: a thread that waits in `readline` would hold a lock that the
    interpreter needs at its end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._rest = b""

    def __call__(self, is_over: threading.Event) -> str | None:
        """Return the next line that is not blank; ``None`` when no more are wanted or come."""
        while not self._lines:
            if is_over.is_set() or not self._read():
                return None
        return self._lines.popleft()

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], _LOOK_SECONDS)
        if not ready:
            return True
        try:
            new = os.read(self._descriptor, 65536)
        except OSError:  # the terminal is gone
            return False
        *lines, self._rest = (self._rest + new).split(b"\n")
        shown = (line.decode(errors="replace").strip() for line in lines)
        self._lines.extend(line for line in shown if line)
        return bool(new)
