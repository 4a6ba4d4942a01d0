"""A proxy between a client and a server that cuts connections in the middle of an answer."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from urllib.parse import urlsplit

_PIECE = 4096


class CuttingProxy:
    """Hands bytes to and fro, and cuts connections that have brought enough to the client.

    Attributes:
        cuts: How many connections it has cut.
    """

    def __init__(self, url: str, *, cuts: int, after_bytes: int) -> None:
        server = urlsplit(url)
        self._address = server.hostname, server.port
        self._most_cuts = cuts
        self._after_bytes = after_bytes
        self.cuts = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                proxy._relay(self.request)

        self._listener = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._listener.serve_forever)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> CuttingProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def _relay(self, client: socket.socket) -> None:
        with socket.create_connection(self._address) as server:
            upwards = threading.Thread(target=_copy, args=(client, server))
            upwards.start()
            brought = 0
            # Either side may end the connection at any moment.
            with suppress(OSError):
                while piece := server.recv(_PIECE):
                    client.sendall(piece)
                    brought += len(piece)
                    if brought >= self._after_bytes and self._may_cut():
                        break
            for each in (client, server):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            upwards.join()

    def _may_cut(self) -> bool:
        with self._lock:
            may_cut = self.cuts < self._most_cuts
            self.cuts += may_cut
            return may_cut


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
