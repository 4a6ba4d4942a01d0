"""A server that gives the same answers again and again: what it takes itself is next to nothing.

    python tools/bench/canned_server.py < answers.json

Reads a JSON object from its input, in which each method with its path, such as ``GET /runs``, has
the whole answer as text. Prints its port, and serves until it is terminated.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STOP_SECONDS = 10


@contextmanager
def canned_server(answers: Mapping[str, str]) -> Iterator[str]:
    """Serve answers from a process of its own; give its URL."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            process.stdin.write(json.dumps(answers))
            process.stdin.close()
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


class _Canned(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: Mapping[bytes, bytes]) -> None:
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_HEAD_END)
        length = _LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method_and_path = b" ".join(head.partition(b"\r\n")[0].split(b" ")[:2])
        self._transport.write(self._answers[method_and_path.partition(b"?")[0]])


async def _serve(answers: Mapping[bytes, bytes]) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: _Canned(answers), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve({key.encode(): text.encode() for key, text in json.load(sys.stdin).items()}))
