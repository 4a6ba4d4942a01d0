"""What tasks log and print goes to their run's record.

``sys.stdout``, ``sys.stderr`` and the root logger belong to the process, so capturing is counted:
the first run that starts sets it up, the last one that ends takes it down.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from dagy._attempt_context import current_attempt

_TASK_LOGGER = "dagy.task"


def get_run_logger() -> logging.Logger:
    """Return the logger for tasks: all its levels, from ``DEBUG``, reach the run's record.

    Outside a run it is an ordinary logger named ``dagy.task``.
    """
    return logging.getLogger(_TASK_LOGGER)


class _TaskLogHandler(logging.Handler):
    """Hands log records of a task to its attempt; others go where they went without it."""

    def emit(self, record: logging.LogRecord) -> None:
        attempt = current_attempt.get()
        if attempt is not None:
            attempt.log(record.levelname, record.name, self.format(record))
        elif self._is_alone() and logging.lastResort is not None:
            logging.lastResort.handle(record)

    def _is_alone(self) -> bool:
        return logging.getLogger().handlers == [self]


class _TaskStream:
    """A standard stream that hands what a task prints to its attempt, and the rest on."""

    def __init__(self, name: str, original: TextIO) -> None:
        self._name = name
        self.original = original

    def write(self, text: str) -> int:
        attempt = current_attempt.get()
        if attempt is None:
            return self.original.write(text)
        attempt.print(self._name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _Capture:
    """The process-wide set-up, counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._handler = _TaskLogHandler()
        self._levels: dict[logging.Logger, int] = {}

    def acquire(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._set_up()

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._take_down()

    def _set_up(self) -> None:
        root, tasks = logging.getLogger(), get_run_logger()
        self._levels = {root: root.level, tasks: tasks.level}
        if not root.handlers and root.level == logging.WARNING:
            root.setLevel(logging.INFO)  # nobody configured logging: INFO is what people expect
        tasks.setLevel(logging.DEBUG)
        root.addHandler(self._handler)
        sys.stdout = _TaskStream("stdout", sys.stdout)
        sys.stderr = _TaskStream("stderr", sys.stderr)

    def _take_down(self) -> None:
        logging.getLogger().removeHandler(self._handler)
        for logger, level in self._levels.items():
            logger.setLevel(level)
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, _TaskStream):  # somebody else's redirection stays
                setattr(sys, name, stream.original)


_CAPTURE = _Capture()


@contextmanager
def captured() -> Iterator[None]:
    """Capture what tasks log and print, for the length of a run."""
    _CAPTURE.acquire()
    try:
        yield
    finally:
        _CAPTURE.release()
