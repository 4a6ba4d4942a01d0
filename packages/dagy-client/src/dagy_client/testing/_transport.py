"""Carries requests to the fake server: no socket, no thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx

from dagy_client.testing._messages import Reply, SeenRequest

Answering = Callable[[SeenRequest], Reply | None]
"""Gives the answer to a request; ``None`` when the connection breaks before there is one."""


Outcome = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
"""What comes of a request."""


class UnreachableError(Exception):
    """The server cannot be connected to."""


class FakeTransport(httpx.MockTransport):
    """A transport for both clients.

    Args:
        prefix: Of the base URL: what is not below it is not the API.
    """

    def __init__(self, answer: Answering, *, prefix: str) -> None:
        super().__init__(self._handle)
        self._answer = answer
        self._prefix = prefix

    def _handle(self, request: httpx.Request) -> httpx.Response:
        path, _, _ = request.url.raw_path.decode("ascii").partition("?")
        seen = SeenRequest(
            method=request.method,
            path=path.removeprefix(self._prefix) if path.startswith(self._prefix) else f"//{path}",
            query=dict(request.url.params),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.content,
        )
        try:
            reply = self._answer(seen)
        except UnreachableError:
            raise httpx.ConnectError("Connection refused", request=request) from None
        if reply is None:
            raise httpx.RemoteProtocolError("Server disconnected", request=request)
        return httpx.Response(reply.status, headers=dict(reply.headers), stream=_Stream(reply))


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        yield from self._reply.chunks
        if self._reply.is_cut:
            raise httpx.ReadError("Connection reset by peer")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


class Script:
    """A handler for ``httpx.MockTransport`` that gives one outcome after another.

    Args:
        outcomes: Answers, exceptions of httpx, or handlers; the last one again and again.

    Attributes:
        requests: All that arrived, in order.
    """

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, httpx.Response):
            # A response can be read once, and the last one may be needed more often.
            return httpx.Response(
                outcome.status_code, headers=outcome.headers, stream=outcome.stream
            )
        return outcome(request)
