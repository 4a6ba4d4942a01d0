"""Wakes a thread that waits for descriptors."""

from __future__ import annotations

import socket
from contextlib import suppress


class Bell:
    """A descriptor that becomes readable when the bell is rung, and stays so until it is silenced.

    Attributes:
        rope: Where a byte rings it, for `signal.set_wakeup_fd`.
    """

    def __init__(self) -> None:
        self._clapper, self.rope = socket.socketpair()
        self._clapper.setblocking(False)
        self.rope.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._clapper.fileno()

    def ring(self) -> None:
        """Ring it, from any thread."""
        with suppress(BlockingIOError):  # it is full, hence ringing
            self.rope.send(b"!")

    def silence(self) -> None:
        """Stop the ringing so far."""
        with suppress(BlockingIOError):
            while self._clapper.recv(4096):
                pass

    def close(self) -> None:
        """Close the descriptors."""
        self._clapper.close()
        self.rope.close()
