"""Ctrl-C and termination during a run: told to the engine first, delivered after."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred_signals(notify: Callable[[], None]) -> Iterator[None]:
    """Within the block, call ``notify`` on each SIGINT or SIGTERM instead of what it would do.

    After the block the first such signal takes its ordinary effect: ``KeyboardInterrupt`` for
    SIGINT unless somebody installed another handler. Only the main thread receives signals;
    elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        notify()

    previous = {number: signal.getsignal(number) for number in _SIGNALS}
    # What was ignored stays so (nohup, background jobs of a script); None was set by foreign code.
    previous = {n: old for n, old in previous.items() if old not in (signal.SIG_IGN, None)}
    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])
