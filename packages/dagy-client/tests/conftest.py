from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings

from dagy_client import AsyncDagyClient, DagyClient, RetryPolicy, Timeouts
from dagy_client.testing import FakeClock, FakeServer
from dagy_types import LogRecord, Run, RunStatus

# A busy machine is no reason to fail.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

BASE_URL = "https://api.dagy.test/v1"


@pytest.fixture(autouse=True)
def no_real_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), address
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def scripted(clock: FakeClock) -> Iterator[Callable[..., DagyClient]]:
    """A client that is answered by a script; random is a half, unless another is given."""
    clients: list[DagyClient] = []

    def scripted(script: Callable[[httpx.Request], httpx.Response], **options: Any) -> DagyClient:
        given: dict[str, Any] = {
            "auth": "t0ken",
            "base_url": BASE_URL,
            "clock": clock,
            "sleep": clock.sleep,
            "random": lambda: 0.5,
            "transport": httpx.MockTransport(script),
        }
        client = DagyClient(**{**given, **options})
        clients.append(client)
        return client

    yield scripted
    for client in clients:
        client.close()


class Played:
    """An async client in the clothes of a sync one: each awaitable is awaited at once."""

    def __init__(self, thing: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._thing = thing
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return Played(getattr(self._thing, name), self._loop)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outcome = self._thing(*args, **kwargs)
        if hasattr(outcome, "__aiter__"):
            return self._items(outcome)
        return self._loop.run_until_complete(outcome)

    def _items(self, source: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._loop.run_until_complete(anext(source))
                except StopAsyncIteration:
                    return
        finally:
            if not self._loop.is_closed():  # whose end was the end of the source, too
                self._loop.run_until_complete(source.aclose())


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_asyncgens())  # as asyncio.run does
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=["sync", "async"])
def connect(
    request: pytest.FixtureRequest, server: FakeServer, loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[..., Any]]:
    """Gives a client of the server: a sync one, and in another test an async one played as such."""
    clients: list[DagyClient | AsyncDagyClient] = []

    def connect(**options: Any) -> Any:
        options = {"random": lambda: 0.5, **options}
        if request.param == "sync":
            blocking = server.client(**options)
            clients.append(blocking)
            return blocking
        awaited = server.async_client(**options)
        clients.append(awaited)
        return Played(awaited, loop)

    yield connect
    for client in clients:
        if isinstance(client, DagyClient):
            client.close()
        else:
            loop.run_until_complete(client.aclose())


@pytest.fixture
def patient() -> RetryPolicy:
    return RetryPolicy(max_attempts=50)


@pytest.fixture
def endless() -> Timeouts:
    return Timeouts(total=10_000.0)


def at(seconds: float) -> datetime:
    return datetime(2026, 11, 1, 12, 0, 0, 0, timezone.utc) + timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def new_run() -> Callable[..., Run]:
    def new_run(run_id: str = "r1", **changes: Any) -> Run:
        fields: dict[str, Any] = {
            "flow_name": "daily",
            "flow_version": "1",
            "status": RunStatus.SUCCEEDED,
            "created_at": at(0),
        }
        return Run(run_id=run_id, **{**fields, **changes})

    return new_run


@pytest.fixture(scope="session")
def new_log() -> Callable[..., LogRecord]:
    def new_log(message: str, *, run_id: str = "r1", **changes: Any) -> LogRecord:
        fields: dict[str, Any] = {"at": at(2), "level": "INFO", "logger": "stdout"}
        return LogRecord(run_id=run_id, message=message, **{**fields, **changes})

    return new_log
