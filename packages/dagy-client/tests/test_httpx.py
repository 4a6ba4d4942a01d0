"""What only real connections show, over the loopback."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from dagy_client import (
    ApiConnectionError,
    AsyncDagyClient,
    DagyClient,
    RetryPolicy,
    Timeouts,
)
from dagy_client._httpx import AsyncWire, BlockingWire
from dagy_client._steps import WireRequest
from dagy_client.testing import FakeServer
from dagy_types.errors import ConfigError, UsageError

OK = b'{"user_email": "ada@example.org"}'
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: session=CANARY-cookie\r\n"
    b"X-Auth-Token: CANARY-header\r\nContent-Length: %d\r\n\r\n" % len(OK)
)
ONCE = RetryPolicy(max_attempts=1)
Serve = Callable[[socket.socket], None]


class LocalServer:
    """Answers each request on each connection with what a function sends."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.connections = 0
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._answer, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(65536):
                    self.serve(connection)
            except OSError:
                pass

    def close(self) -> None:
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def local() -> Iterator[Callable[[Serve], LocalServer]]:
    servers: list[LocalServer] = []

    def local(serve: Serve) -> LocalServer:
        servers.append(LocalServer(serve))
        return servers[-1]

    yield local
    for server in servers:
        server.close()


def good(connection: socket.socket) -> None:
    connection.sendall(HEAD + OK)


def test_one_connection_serves_many_calls(local: Callable[[Serve], LocalServer]) -> None:
    server = local(good)
    with DagyClient(server.url, "t0ken") as client:
        for _ in range(5):
            assert client.me().user_email == "ada@example.org"
    assert server.connections == 1


def test_a_client_is_shared_by_threads(local: Callable[[Serve], LocalServer]) -> None:
    """HTTP-17."""
    server = local(good)
    with DagyClient(server.url, "t0ken") as client, ThreadPoolExecutor(8) as pool:
        accounts = list(pool.map(lambda _: client.me(), range(40)))
    assert {account.user_email for account in accounts} == {"ada@example.org"}
    assert server.connections <= 8


def test_a_forked_child_has_connections_of_its_own(
    local: Callable[[Serve], LocalServer],
) -> None:
    """HTTP-17."""
    server = local(good)
    with DagyClient(server.url, "t0ken") as client:
        client.me()
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # there are threads; they matter not
            child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if client.me().user_email == "ada@example.org" else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        client.me()
    assert server.connections == 2


def dripping(ended: threading.Event, data: bytes) -> Serve:
    def drip(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            if ended.wait(0.05):
                return

    return drip


@pytest.mark.parametrize("data", [HEAD + OK, HEAD.replace(b"%d" % len(OK), b"999") + b" " * 900])
def test_a_server_that_drips_is_cut_at_the_total_limit(
    local: Callable[[Serve], LocalServer], data: bytes
) -> None:
    """HTTP-04: in the headers and in the body."""
    server = local(good)
    server.serve = dripping(server.ended, data)
    timeouts = Timeouts(total=0.4)
    started = time.monotonic()
    with (
        DagyClient(server.url, "t0ken", timeouts=timeouts, retry=ONCE) as client,
        pytest.raises(ApiConnectionError, match="did not answer in time"),
    ):
        client.me()
    assert 0.3 < time.monotonic() - started < 2.5


def test_the_async_client_cuts_such_a_server_too(
    local: Callable[[Serve], LocalServer], loop: asyncio.AbstractEventLoop
) -> None:
    """HTTP-04."""
    server = local(good)
    server.serve = dripping(server.ended, HEAD + OK)

    async def ask() -> None:
        timeouts = Timeouts(total=0.3)
        async with AsyncDagyClient(server.url, timeouts=timeouts, retry=ONCE) as client:
            with pytest.raises(ApiConnectionError, match="did not answer in time"):
                await client.me()

    loop.run_until_complete(ask())


def test_a_server_that_says_nothing_is_left_after_the_read_limit(
    local: Callable[[Serve], LocalServer],
) -> None:
    server = local(lambda _: None)
    timeouts = Timeouts(read=0.1)
    with (
        DagyClient(server.url, "t0ken", timeouts=timeouts, retry=ONCE) as client,
        pytest.raises(ApiConnectionError, match="did not answer in time"),
    ):
        client.me()


def test_an_answer_that_stops_in_the_middle_is_an_error_with_the_request_id(
    local: Callable[[Serve], LocalServer],
) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(HEAD + OK[:10])
        connection.shutdown(socket.SHUT_RDWR)

    with (
        DagyClient(local(half).url, "t0ken", retry=ONCE) as client,
        pytest.raises(ApiConnectionError, match="broke the connection off") as caught,
    ):
        client.me()
    assert caught.value.request_id is not None


def test_nobody_at_that_port_is_an_error_that_says_so() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with (
        DagyClient(f"http://127.0.0.1:{port}", "t0ken", retry=ONCE) as client,
        pytest.raises(ApiConnectionError, match=r"127.0.0.1:\d+ cannot be reached: .*refused"),
    ):
        client.me()


def test_no_secret_is_in_any_log(
    local: Callable[[Serve], LocalServer], caplog: pytest.LogCaptureFixture
) -> None:
    """HTTP-12: all loggers at their most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "h11", "hpack", "dagy_client"):
        caplog.set_level(logging.DEBUG, logger=name)
    server = local(good)
    with DagyClient(server.url, "CANARY-token") as client:
        client.me()
        client.request("POST", "/me", json={"password": "CANARY-body"}, idempotency_key="CANARY-k")
    told = {record.name.partition(".")[0] for record in caplog.records}
    assert {"httpx", "httpcore", "dagy_client"} <= told
    assert "Set-Cookie" in caplog.text
    assert "CANARY" not in caplog.text


def test_closing_leaves_nothing_open(
    local: Callable[[Serve], LocalServer], loop: asyncio.AbstractEventLoop
) -> None:
    """HTTP-17: a warning about a resource would fail this test."""
    server = local(good)
    with DagyClient(server.url, "t0ken") as client:
        client.me()
    client.close()
    with pytest.raises(UsageError, match="The client is closed"):
        client.me()

    async def ask() -> None:
        async with AsyncDagyClient(server.url, "t0ken") as client:
            await client.me()
        await client.aclose()
        with pytest.raises(UsageError, match="The client is closed"):
            await client.me()

    loop.run_until_complete(ask())


def test_an_async_client_stays_in_its_event_loop(loop: asyncio.AbstractEventLoop) -> None:
    """HTTP-17."""
    client = FakeServer().async_client()
    loop.run_until_complete(client.me())
    other = asyncio.new_event_loop()
    try:
        with pytest.raises(UsageError, match="belongs to another event loop") as caught:
            other.run_until_complete(client.me())
    finally:
        other.close()
    assert "async with" in (caught.value.hint or "")
    loop.run_until_complete(client.aclose())


def test_a_proxy_that_cannot_be_used_is_an_error_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://CANARY@x")
    with (
        DagyClient("https://a.test", "t0ken") as client,
        pytest.raises(ConfigError, match="proxies or certificates") as caught,
    ):
        client.me()
    assert "CANARY" not in f"{caught.value}"


def test_what_stays_on_this_machine_goes_through_no_proxy(
    local: Callable[[Serve], LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with DagyClient(local(good).url, "t0ken") as client:
        assert client.me().user_email == "ada@example.org"


def test_of_two_threads_that_come_first_one_opens_the_connections() -> None:
    barrier = threading.Barrier(8)
    server = FakeServer()

    def ask(client: DagyClient) -> str:
        barrier.wait()
        return client.me().user_email

    with server.client() as client, ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, [client] * 8)) == {"ada@example.org"}


def _asks_at(url: str) -> WireRequest:
    return WireRequest(
        method="GET", url=url, headers={}, content=None, deadline=9.0, idle_seconds=9.0
    )


@pytest.mark.parametrize("is_blocking", [True, False])
def test_certificates_are_loaded_for_https_and_always_then(
    monkeypatch: pytest.MonkeyPatch, is_blocking: bool
) -> None:
    """An upload may go to another place than the API, so each request decides."""
    made: list[bool] = []
    kind = httpx.Client if is_blocking else httpx.AsyncClient

    class Recording(kind):  # type: ignore[misc,valid-type]
        def __init__(self, *, verify: bool, **settings: Any) -> None:
            made.append(verify)
            super().__init__(verify=verify, **settings)

    monkeypatch.setattr(f"httpx.{kind.__name__}", Recording)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
    requests = list(
        map(_asks_at, ["http://a.test/x", "http://a.test/y", "https://b.test/x", "HTTPS://b.test"])
    )
    if is_blocking:
        wire = BlockingWire(transport=transport, timeouts=Timeouts(), clock=lambda: 0.0)
        for request in requests:
            wire.send(request)
        wire.close()
    else:

        async def send_all() -> None:
            wire = AsyncWire(transport=transport, timeouts=Timeouts(), clock=lambda: 0.0)
            for request in requests:
                await wire.send(request)
            await wire.close()

        asyncio.run(send_all())
    assert made == [False, True]
