"""The only module that knows httpx. It sends requests as they are, and decides nothing.

Nothing of httpx that could act by itself is used: no redirects, no cookies, no default headers. No
text of its exceptions goes on, but for those of a failed connection: others can quote a request.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, TypeVar

import httpx

from dagy_client._limits import Timeouts
from dagy_client._redaction import hide_secrets_of_others
from dagy_client._steps import Chunks, Trouble, WireError, WireRequest, WireResponse
from dagy_types.errors import ConfigError, UsageError

if TYPE_CHECKING:
    import asyncio

Transport = httpx.BaseTransport
AsyncTransport = httpx.AsyncBaseTransport

T = TypeVar("T")

MAX_BODY_BYTES = 64 * 1024 * 1024
_ON_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")


class BlockingWire:
    """Sends requests and waits; any thread may use it, and so may the child of a fork."""

    def __init__(
        self, *, transport: Transport | None, timeouts: Timeouts, clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._timeouts = timeouts
        self._clock = clock
        self._is_closed = False
        # By process: what a parent has opened is its own, and is left alone in its children. And by
        # whether it needs certificates, which take longer to load than most calls take.
        self._clients: dict[tuple[int, bool], httpx.Client] = {}

    def send(self, request: WireRequest) -> WireResponse:
        """Return the answer to a request.

        Raises:
            WireError: When there is none, or not the whole of it.
        """
        client = self._client(is_secure=_is_secure(request))
        remaining = request.deadline - self._clock()
        with wire_errors():
            response = client.send(
                self._outgoing(request, remaining), auth=None, follow_redirects=False, stream=True
            )
            if request.is_streamed and response.is_success:
                return _incoming(response, stream=(response, response.iter_bytes()))
            try:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    _require_within(len(body), self._clock() < request.deadline)
            finally:
                response.close()
        return _incoming(response, body=bytes(body))

    def read(self, response: WireResponse) -> bytes:
        """Return the next bytes of a streamed answer; none at its end."""
        with wire_errors():
            return next(response.stream[1], b"")

    def finish(self, response: WireResponse) -> None:
        """Let go of a streamed answer."""
        response.stream[0].close()

    def close(self) -> None:
        """Close all connections of this process; nothing can be sent any more."""
        self._is_closed = True
        for is_secure in (False, True):
            client = self._clients.pop((os.getpid(), is_secure), None)
            if client is not None:
                client.close()

    def _client(self, *, is_secure: bool) -> httpx.Client:
        _require_open(self._is_closed)
        key = os.getpid(), is_secure
        client = self._clients.get(key)
        if client is None:
            # No lock, since a fork could leave it locked for ever: of two threads one comes first.
            mine = _opened(
                lambda: httpx.Client(transport=self._transport, mounts=_direct(), verify=is_secure)
            )
            client = self._clients.setdefault(key, mine)
            if client is not mine:
                mine.close()
        return client

    def _outgoing(self, request: WireRequest, remaining: float) -> httpx.Request:
        content = request.content.open() if isinstance(request.content, Chunks) else request.content
        read = min(request.idle_seconds, max(remaining, 0.001))
        limits = _limits(self._timeouts, read=read, remaining=remaining)
        if not request.is_streamed:
            limits["read"] = _Shrinking(read, until=request.deadline, clock=self._clock)
        return _request(request, content, limits)


class AsyncWire:
    """Sends requests and awaits; it belongs to the event loop in which it is first used."""

    def __init__(
        self, *, transport: AsyncTransport | None, timeouts: Timeouts, clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._timeouts = timeouts
        self._clock = clock
        self._is_closed = False
        self._clients: dict[tuple[int, bool], httpx.AsyncClient] = {}  # as those of BlockingWire
        self._loops: dict[int, asyncio.AbstractEventLoop] = {}

    async def send(self, request: WireRequest) -> WireResponse:
        """Return the answer to a request.

        Raises:
            WireError: When there is none, or not the whole of it.
        """
        client = self._client(is_secure=_is_secure(request))
        remaining = request.deadline - self._clock()
        with wire_errors():
            return await _within(remaining, self._exchange(client, request, remaining))

    async def read(self, response: WireResponse) -> bytes:
        """Return the next bytes of a streamed answer; none at its end."""
        with wire_errors():
            chunk: bytes = await anext(response.stream[1], b"")
        return chunk

    async def finish(self, response: WireResponse) -> None:
        """Let go of a streamed answer."""
        await response.stream[0].aclose()

    async def close(self) -> None:
        """Close all connections of this process; nothing can be sent any more."""
        self._is_closed = True
        for is_secure in (False, True):
            client = self._clients.pop((os.getpid(), is_secure), None)
            if client is not None:
                await client.aclose()

    async def _exchange(
        self, client: httpx.AsyncClient, request: WireRequest, remaining: float
    ) -> WireResponse:
        content = (
            _chunks_beside(request.content)
            if isinstance(request.content, Chunks)
            else request.content
        )
        limits = _limits(self._timeouts, read=request.idle_seconds, remaining=remaining)
        response = await client.send(
            _request(request, content, limits), auth=None, follow_redirects=False, stream=True
        )
        if request.is_streamed and response.is_success:
            return _incoming(response, stream=(response, response.aiter_bytes()))
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                _require_within(len(body), self._clock() < request.deadline)
        finally:
            await response.aclose()
        return _incoming(response, body=bytes(body))

    def _client(self, *, is_secure: bool) -> httpx.AsyncClient:
        _require_open(self._is_closed)
        import asyncio  # which blocking clients have no need of, and which takes as long as httpx

        here = asyncio.get_running_loop()
        if self._loops.setdefault(os.getpid(), here) is not here:
            raise UsageError(
                "This AsyncDagyClient belongs to another event loop.",
                hint="Make one in each event loop, with: async with AsyncDagyClient(...) as client",
            )
        key = os.getpid(), is_secure
        if key not in self._clients:
            self._clients[key] = _opened(
                lambda: httpx.AsyncClient(
                    transport=self._transport, mounts=_direct(), verify=is_secure
                )
            )
        return self._clients[key]


def _is_secure(request: WireRequest) -> bool:
    return not request.url.startswith("http:")


class _Shrinking:
    """A time limit that gets shorter: the socket asks for its value each time before it waits.

    A server that sends one byte now and then would otherwise be given the whole time for each.
    Sockets take whole numbers of such a thing, so that silence can last up to a second longer.
    """

    def __init__(self, seconds: float, *, until: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._until = until
        self._clock = clock

    def __index__(self) -> int:
        remaining = self._until - self._clock()
        if remaining <= 0:
            raise WireError(Trouble.TOO_SLOW)
        return ceil(min(self._seconds, remaining))


@contextmanager
def wire_errors() -> Iterator[None]:
    """Turn what httpx raises into a `WireError`."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise WireError(_trouble(error), _reason(error)) from None


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, httpx.TimeoutException):
        return Trouble.TOO_SLOW
    if isinstance(error, httpx.ConnectError):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return Trouble.UNTRUSTED if untrusted else Trouble.UNREACHABLE
    if isinstance(error, httpx.ProxyError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Trouble.UNREACHABLE
    return Trouble.UNREADABLE if isinstance(error, httpx.DecodingError) else Trouble.BROKEN_OFF


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, httpx.ConnectError) else ""


def _request(
    request: WireRequest,
    content: bytes | Iterator[bytes] | AsyncIterator[bytes] | None,
    limits: dict[str, object],
) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=content,
        extensions={"timeout": limits},
    )


def _limits(timeouts: Timeouts, *, read: float, remaining: float) -> dict[str, object]:
    remaining = max(remaining, 0.001)
    return {
        "connect": min(timeouts.connect, remaining),
        "read": read,
        "write": min(timeouts.write, remaining),
        "pool": min(timeouts.pool, remaining),
    }


def _incoming(
    response: httpx.Response, *, body: bytes = b"", stream: object = None
) -> WireResponse:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return WireResponse(status=response.status_code, headers=headers, body=body, stream=stream)


def _require_within(size: int, is_in_time: bool) -> None:
    if size > MAX_BODY_BYTES:
        raise WireError(Trouble.TOO_LONG)
    if not is_in_time:
        raise WireError(Trouble.TOO_SLOW)


def _require_open(is_closed: bool) -> None:
    if is_closed:
        raise UsageError("The client is closed.", hint="Use it inside its with block.")


def _opened(make: Callable[[], T]) -> T:
    hide_secrets_of_others()
    try:
        return make()
    except (ValueError, OSError, ImportError, httpx.InvalidURL):
        raise ConfigError(
            "The settings of proxies or certificates in the environment cannot be used.",
            hint="Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR.",
        ) from None


def _direct() -> dict[str, None]:
    """Return what keeps requests to this machine away from proxies."""
    return {f"all://{host}": None for host in _ON_THIS_MACHINE}


async def _within(seconds: float, action: Awaitable[T]) -> T:
    import asyncio

    try:
        return await asyncio.wait_for(action, max(seconds, 0.001))
    except asyncio.TimeoutError:
        raise WireError(Trouble.TOO_SLOW) from None


async def _chunks_beside(chunks: Chunks) -> AsyncIterator[bytes]:
    """Read the chunks in a thread, so that the disk does not stop the event loop."""
    import asyncio

    source = chunks.open()
    while chunk := await asyncio.to_thread(next, source, b""):
        yield chunk
