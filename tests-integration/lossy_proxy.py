"""A proxy between a client and a server that loses answers, after the server has given them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import TracebackType
from urllib.parse import urlsplit


class LossyProxy:
    """Hands requests on to a server, and drops some of its answers: the connection just ends.

    Attributes:
        passed: How many answers came through.
        lost: How many did not.
    """

    def __init__(self, url: str, *, share_lost: float, random: Random) -> None:
        self._server = urlsplit(url)
        self._share_lost = share_lost
        self._random = random
        self._lock = threading.Lock()
        self.passed = self.lost = 0
        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._answer))
        self._thread = threading.Thread(target=self._listener.serve_forever)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.server_port}"

    def __enter__(self) -> LossyProxy:
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

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("Content-Length") or 0)
        connection = HTTPConnection(self._server.netloc, timeout=60)
        try:
            connection.request(
                request.command, request.path, request.rfile.read(size), dict(request.headers)
            )
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        with self._lock:
            is_lost = self._random.random() < self._share_lost
            self.lost += is_lost
            self.passed += not is_lost
        if is_lost:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "date", "server"):
                request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)


def _handler(answer: Callable[[BaseHTTPRequestHandler], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        do_GET = do_POST = lambda self: answer(self)  # noqa: N815 - as http.server names them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
