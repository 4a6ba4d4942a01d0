"""Processes that are forks of this one."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

# Whoever stops a program signals all its processes, and the coordinator alone decides what is to
# end. A handler and not SIG_IGN: that would be handed on to the programs that a task starts.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def fork(body: Callable[[], None]) -> int:
    """Fork a process that calls ``body`` and ends, deaf to SIGINT and SIGTERM; return its id.

    Raises:
        OSError: When the system has no room for another process.
    """
    # Else the child could be interrupted before it is deaf, and unwind into its parent's code.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process = _fork_quietly()
        if process == 0:
            _run_and_exit(body, mask)
        return process
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def flush_standard_streams() -> None:
    """Write out what waits in ``sys.stdout`` and ``sys.stderr``."""
    for stream in (sys.stdout, sys.stderr):
        # None without a console; and when it is closed, or nobody reads there, nothing is lost.
        with suppress(AttributeError, ValueError, OSError):
            stream.flush()


def _fork_quietly() -> int:
    with warnings.catch_warnings():
        # Python 3.12 and newer: why this fork is made all the same stands in `ProcessExecutor`.
        warnings.filterwarnings(
            "ignore", message=r"This process .* is multi-threaded", category=DeprecationWarning
        )
        return os.fork()


def _run_and_exit(body: Callable[[], None], mask: set[signal.Signals | int]) -> NoReturn:
    status = 1
    try:
        for number in STOP_SIGNALS:
            signal.signal(number, _stay)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        body()
        status = 0
    except BaseException as error:  # noqa: BLE001  a new process has nobody to raise it to
        sys.excepthook(type(error), error, error.__traceback__)
        flush_standard_streams()
    finally:
        # What the parent wants done at exit, in its name and to its files, is not the child's.
        os._exit(status)


def _stay(_number: int, _frame: FrameType | None) -> None:
    pass
