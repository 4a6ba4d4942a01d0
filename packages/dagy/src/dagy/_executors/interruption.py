"""How a task in a thread is interrupted: by an exception that is raised in it from outside."""

from __future__ import annotations

import logging
import sys
import threading
import time

from dagy._executors import performing

_PATIENCE_SECONDS = 1.0


class AttemptInterrupted(BaseException):
    """Raised inside a task whose attempt was given up."""


def interrupt(thread: threading.Thread) -> None:
    """Have `AttemptInterrupted` raised in a thread as soon as it runs Python code again.

    Not while it logs something: up to Python 3.12, an exception that comes just when logging takes
    or gives back the lock of a handler leaves that locked for good, for all threads.
    """
    # Under a tracer or profiler, Python 3.11 runs in circles for as long as another thread has an
    # exception waiting that it cannot take yet. Debugging and coverage matter more.
    if sys.gettrace() is None and sys.getprofile() is None and not _try_to_interrupt(thread):
        threading.Thread(
            target=_interrupt_soon, args=(thread,), name="dagy-interrupter", daemon=True
        ).start()


def take_interrupt() -> None:
    """Have the exception raised here if it is still on its way.

    In the thread's last steps nobody would catch it. And one that is never raised, or taken back,
    leaves Python 3.10 to 3.12 looking for it between any two instructions, in all threads.
    """
    for _ in range(100):  # it is raised where a loop goes back
        pass


def _interrupt_soon(thread: threading.Thread) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and not _try_to_interrupt(thread):
        time.sleep(0.001)


def _try_to_interrupt(thread: threading.Thread) -> bool:
    """Return whether there is nothing more to try: it is interrupted, or needs not be."""
    modules = _modules_on_stack(thread)
    if logging.__name__ in modules:
        return False
    if performing.__name__ in modules:
        import ctypes  # few tasks outlast their time, and every run would pay

        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(AttemptInterrupted)
        )
    return True


def _modules_on_stack(thread: threading.Thread) -> set[str]:
    # The thread stays where it is while this one runs: there is one interpreter for both.
    modules = set()
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        modules.add(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    return modules
