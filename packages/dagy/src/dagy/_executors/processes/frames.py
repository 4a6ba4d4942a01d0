"""Messages on a stream: each is preceded by its length."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

_LENGTH = struct.Struct("!Q")
CHUNK_BYTES = 256 * 1024


def frame(message: bytes) -> bytes:
    """Return what goes through the stream for a message."""
    return _LENGTH.pack(len(message)) + message


class Incoming:
    """Puts messages together from the pieces in which a stream arrives."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the messages that are whole with this piece."""
        self._pieces += piece
        while len(self._pieces) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._pieces)[0]
            if len(self._pieces) < end:
                return
            message = bytes(self._pieces[_LENGTH.size : end])
            del self._pieces[:end]
            yield message


def messages(channel: socket.socket) -> Iterator[bytes]:
    """Wait for messages and yield them, until the other side closes the channel."""
    incoming = Incoming()
    while piece := channel.recv(CHUNK_BYTES):
        yield from incoming.feed(piece)
