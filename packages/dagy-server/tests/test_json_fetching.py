from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dagy_server.json_fetching import fetch_json, require_fetchable
from dagy_types.errors import ConfigError, NetworkError

Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer every request with these bytes, whatever they are."""
    servers: list[tuple[HTTPServer, threading.Thread]] = []

    def serve(response: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.wfile.write(response)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/document"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_document_is_fetched(serve: Serve) -> None:
    assert fetch_json(serve(b'HTTP/1.0 200 OK\r\n\r\n{"keys": []}')) == {"keys": []}


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.0 404 Not Found\r\n\r\n{}",
        b"HTTP/1.0 500 Oh\r\n\r\n{}",
        b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n<html>",
        b"HTTP/1.0 200 OK\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\n\r\n\xff",
        b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000,
        b'HTTP/1.0 200 OK\r\n\r\n{"a": "' + b"x" * 1024 * 1024 + b'"}',
        b"no HTTP",
        b"",
    ],
)
def test_anything_else_is_no_document(serve: Serve, response: bytes) -> None:
    with pytest.raises(NetworkError, match="JSON"):
        fetch_json(serve(response))


def test_a_server_that_does_not_answer_is_an_error_of_the_network() -> None:
    with pytest.raises(NetworkError, match="no JSON to be had"):
        fetch_json("http://127.0.0.1:1/document")


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example/x",
        "http://127.0.0.1:8080/x",
        "http://localhost/x",
        "http://[::1]:8080/x",
    ],
)
def test_what_nobody_can_change_on_its_way_is_fetched(url: str) -> None:
    require_fetchable(url)


@pytest.mark.parametrize(
    "url", ["http://id.example/x", "file:///etc/passwd", "ftp://x", "https://", "", "http://[", "x"]
)
def test_nothing_else_is(url: str) -> None:
    with pytest.raises(ConfigError, match="Not an https URL"):
        require_fetchable(url)
    with pytest.raises(ConfigError, match="Not an https URL"):
        fetch_json(url)
