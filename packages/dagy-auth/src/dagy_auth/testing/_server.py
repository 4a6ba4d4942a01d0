"""The HTTP side of the fake provider."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dagy_auth.testing._exchange import Reply, SeenRequest
from dagy_auth.testing._faults import Fault, spoilt_body

Answer = Callable[[SeenRequest], "tuple[Reply | None, Fault | None]"]
"""What is answered, and what goes wrong with it; no reply drops the connection."""


class Server(ThreadingHTTPServer):
    """Serves on 127.0.0.1, at a port that the system chooses.

    Args:
        answer: Is called in a thread of the request's own.
        clock: What the Date header says.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Answer, *, clock: Callable[[], float]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.clock = clock
        self.is_closing = threading.Event()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.01,), name="fake-provider", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.is_closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 30.0

    def do_GET(self) -> None:
        self._serve(body="")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._serve(body=self.rfile.read(length).decode())

    def _serve(self, *, body: str) -> None:
        url = urlsplit(self.path)
        seen = SeenRequest(
            method=self.command,
            origin=f"http://{self.headers.get('Host', '')}",
            path=url.path,
            parameters=dict(parse_qsl(url.query) + parse_qsl(body)),
            authorization=self.headers.get("Authorization", ""),
            user_agent=self.headers.get("User-Agent", ""),
        )
        reply, fault = self.server.answer(seen)
        if fault is not None and fault.kind == "slow":
            self.server.is_closing.wait(fault.seconds)
        if reply is not None:
            self._send(reply, fault)

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        body = spoilt_body(fault, reply.body)
        announced = reply.body if fault is not None and fault.kind == "cut_off" else body
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(announced)))
        self.send_header("Cache-Control", "no-store")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.clock() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  Its name is inherited.
        """Nothing is printed."""
