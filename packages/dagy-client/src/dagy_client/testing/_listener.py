"""The fake server at a port of this machine, for programs in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from dagy_client.testing._messages import Reply, SeenRequest

Answering = Callable[[SeenRequest], Reply | None]
"""Gives the answer to a request; ``None`` when the connection breaks before there is one."""


@contextmanager
def listening(answer: Answering, *, prefix: str) -> Iterator[str]:
    """Answer requests until the end of the block; give the URL, with the prefix."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer), "prefix": prefix})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), name="dagy-fake-server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection for each request: then the end of it is the end of the answer."""

    answer: Answering
    prefix: str

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("content-length") or 0)
        reply = self.answer(
            SeenRequest(
                method=self.command,
                path=parts.path.removeprefix(self.prefix),
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(size),
            )
        )
        if reply is None:
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for chunk in reply.chunks if self.command != "HEAD" else ():
            self.wfile.write(chunk)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that they have to have

    def log_message(self, *_: object) -> None:
        """Say nothing of it: the fake server knows its requests."""
