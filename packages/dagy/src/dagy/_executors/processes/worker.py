"""What a worker does: attempts, one after the other, until it is killed."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from dagy._attempt_context import current_attempt
from dagy._executors.gate import Gate
from dagy._executors.performing import performed
from dagy._executors.processes.forking import STOP_SIGNALS, flush_standard_streams
from dagy._executors.processes.frames import frame, messages
from dagy._executors.processes.parcel import Hello, pack
from dagy_types import Attempt, AttemptEvent, Perform


def work(channel: socket.socket, *, perform: Perform, now: Callable[[], datetime]) -> None:
    """Be a worker: serve the channel in a process that was forked for it."""
    _Parting(channel).follow_forks()
    _reseed_numpy()
    with suppress(ConnectionError):  # the coordinator is gone, and so are we in a moment
        channel.sendall(frame(pack(Hello(os.getpid()))))
        serve(channel, perform=perform, now=now)


def serve(channel: socket.socket, *, perform: Perform, now: Callable[[], datetime]) -> None:
    """Perform the attempts that arrive on a channel and send their events, until it is closed."""
    outbox = Outbox(channel)
    for message in messages(channel):
        attempt: Attempt = pickle.loads(message)  # noqa: S301  from our own coordinator
        gate = Gate(attempt, outbox.send)
        result = performed(perform, attempt, gate.emit, now=now)
        # With its result an attempt has said everything; what went past the capture included.
        flush_standard_streams()
        gate.finish(result)
        del message, attempt, gate, result  # an idle worker keeps nothing alive


class Outbox:
    """Sends events in the order in which they come, from any thread.

    A thread that finds another one sending leaves its event to that one. It may also find itself:
    a signal handler, or a ``__del__`` during a garbage collection, can print in the middle of a
    send, where waiting would be forever and sending would tear the message that is under way.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._unsent: deque[bytes] = deque()
        self._sending = threading.Lock()

    def send(self, event: AttemptEvent) -> None:
        """Send an event, or see to it that it is sent."""
        self._unsent.append(frame(pack(event)))
        # Asked again after each release: something may have come just before it.
        while self._unsent and self._sending.acquire(blocking=False):
            try:
                while self._unsent:
                    self._channel.sendall(self._unsent.popleft())
            finally:
                self._sending.release()


class _Parting:
    """Makes the processes that a task forks ordinary ones.

    They can be interrupted and terminated, and what they print goes where the coordinator prints:
    two processes cannot share the channel.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._before = threading.local()  # several threads may fork at once

    def follow_forks(self) -> None:
        os.register_at_fork(
            before=self._block_signals,
            after_in_parent=self._unblock_signals,
            after_in_child=self._part,
        )

    def _block_signals(self) -> None:
        # Else a child that is terminated at once could still be deaf to it.
        self._before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    def _unblock_signals(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before.mask)

    def _part(self) -> None:
        self._channel.close()
        current_attempt.set(None)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._unblock_signals()


def _reseed_numpy() -> None:
    """Give each worker random numbers of its own. Python's `random` does so after each fork."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
