"""A server of the whole API, in memory."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from dagy_client._client import AsyncDagyClient, DagyClient
from dagy_client._operation import Operation
from dagy_client._operations import OPERATIONS
from dagy_client.testing._faults import (
    AnswerCut,
    AnsweredInstead,
    AnswerLost,
    Fault,
    Unreachable,
)
from dagy_client.testing._handlers import reply_to
from dagy_client.testing._messages import (
    RefusedError,
    Reply,
    SeenRequest,
    error_reply,
)
from dagy_client.testing._state import State
from dagy_types import FlowVersion, LogRecord, Run, TaskRun

if TYPE_CHECKING:
    from dagy_client.testing._transport import FakeTransport

_PART = re.compile(r"\\\{(\w+)\\\}")


class FakeServer:
    """A server of the whole API, in memory, for tests: without a socket, a thread, or a wait.

    ::

        server = FakeServer()
        server.add_run(run, logs=[record])
        with server.client() as client:
            assert list(client.runs.list()) == [run]

    Args:
        base_url: Where it seems to be; with any prefix.
        token: The one that it takes.
        email: Of whom the token belongs to.
        password: With which they log in.
        now: Its clock.

    Attributes:
        requests: All that arrived, in order.
        faults: What goes wrong with the next requests, in order; ``None`` is nothing.
    """

    def __init__(
        self,
        *,
        base_url: str = "https://dagy.test/v1",
        token: str = "dagy_at_fake",  # noqa: S107 - it opens nothing
        email: str = "ada@example.org",
        password: str = "fake",  # noqa: S107 - it opens nothing
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.base_url = base_url
        self.requests: list[SeenRequest] = []
        self.faults: deque[Fault | None] = deque()
        self._token = token
        self._state = State(now=now, email=email, password=password, tokens={token})
        self._answers: dict[tuple[str, str], tuple[bytes, Reply]] = {}
        self._lock = Lock()

    def client(self, **options: Any) -> DagyClient:  # Any: those of DagyClient
        """Return a client of this server; it waits for nothing."""
        given = {"sleep": lambda _: None, **options}
        auth = given.pop("auth", self._token)
        return DagyClient(self.base_url, auth, transport=self.transport(), **given)

    def async_client(self, **options: Any) -> AsyncDagyClient:  # Any: those of AsyncDagyClient
        """Return an async client of this server; it waits for nothing."""
        given = {"sleep": _no_wait, **options}
        auth = given.pop("auth", self._token)
        return AsyncDagyClient(self.base_url, auth, transport=self.transport(), **given)

    def transport(self) -> FakeTransport:
        """Return an httpx transport to this server, for both kinds of clients."""
        from dagy_client.testing._transport import FakeTransport

        return FakeTransport(self._receive, prefix=urlsplit(self.base_url).path.rstrip("/"))

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Be at a port of this machine, too, for other processes; gives the base URL there."""
        from dagy_client.testing._listener import listening
        from dagy_client.testing._transport import UnreachableError

        def answer(request: SeenRequest) -> Reply | None:
            try:
                return self._receive(request)
            except UnreachableError:
                return None

        with listening(answer, prefix=urlsplit(self.base_url).path.rstrip("/")) as url:
            yield url

    def add_run(
        self, run: Run, *, tasks: Sequence[TaskRun] = (), logs: Sequence[LogRecord] = ()
    ) -> None:
        """Give the server a run, or another state of one that it has."""
        with self._lock:
            self._state.runs.put(run.run_id, run)
            self._state.tasks[run.run_id] = tasks or self._state.tasks.get(run.run_id, ())
            self._state.logs.setdefault(run.run_id, []).extend(logs)

    def remove_run(self, run_id: str) -> None:
        """Take a run away from the server."""
        with self._lock:
            self._state.runs.remove(run_id)

    def add_flow(self, flow: FlowVersion) -> None:
        """Give the server a version of a flow."""
        with self._lock:
            self._state.flows.put(f"{flow.flow_name}:{flow.flow_version}", flow)

    def add_artifact(self, artifact_id: str, data: bytes) -> None:
        """Give the server an archive."""
        with self._lock:
            self._state.artifacts.put(artifact_id, data)
            self._state.artifact_ids[sha256(data).hexdigest()] = artifact_id

    @property
    def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        return self._state.runs.all()

    def _receive(self, request: SeenRequest) -> Reply | None:
        from dagy_client.testing._transport import UnreachableError

        with self._lock:
            self.requests.append(request)
            fault = self.faults.popleft() if self.faults else None
            request_id = request.headers.get("x-request-id", "req_fake")
            match fault:
                case Unreachable():
                    raise UnreachableError
                case AnsweredInstead(status, body, headers):
                    return Reply(
                        status=status,
                        headers={"X-Request-ID": request_id, **headers},
                        chunks=(body,),
                    )
            reply = self._act(request, request_id)
            return None if isinstance(fault, AnswerLost) else _cut(reply, fault)

    def _act(self, request: SeenRequest, request_id: str) -> Reply:
        try:
            operation, values = _operation_of(request)
            principal = self._principal(operation, request)
            reply = self._once(operation, principal, replace(request, values=values))
        except RefusedError as refusal:
            reply = error_reply(refusal, request_id)
        headers = {
            "X-Request-ID": request_id,
            "Dagy-API-Level": "1",
            "X-RateLimit-Limit": "120",
            "X-RateLimit-Remaining": "119",
        }
        return replace(reply, headers={**headers, **reply.headers})

    def _principal(self, operation: Operation[Any], request: SeenRequest) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = token in self._state.tokens or token in self._state.key_tokens.values()
        if not operation.is_public and not known:
            raise RefusedError(401, "invalid_token", "The token is not valid.")
        return token

    def _once(self, operation: Operation[Any], principal: str, request: SeenRequest) -> Reply:
        key = request.headers.get("idempotency-key")
        if key is None or not operation.is_keyed:
            return reply_to(operation, self._state, request)
        asked = json.dumps([request.method, request.path]).encode() + request.body
        if (principal, key) in self._answers:
            before, reply = self._answers[principal, key]
            if before != asked:
                raise RefusedError(422, "idempotency_key", "The key was another request's.")
            return replace(reply, headers={**reply.headers, "Idempotency-Replayed": "true"})
        reply = reply_to(operation, self._state, request)
        self._answers[principal, key] = asked, reply
        return reply


@contextmanager
def fake_server(**options: Any) -> Iterator[DagyClient]:  # Any: those of FakeServer
    """Give a client of a new server in memory: ``with fake_server() as client:``."""
    with FakeServer(**options).client() as client:
        yield client


def _operation_of(request: SeenRequest) -> tuple[Operation[Any], dict[str, str]]:
    for operation in OPERATIONS:
        pattern = _PART.sub(r"(?P<\1>[^/]+)", re.escape(operation.path))
        found = re.fullmatch(pattern, request.path)
        if found and operation.method == request.method:
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    raise RefusedError(404, "no_such_path", "There is nothing here.")


def _cut(reply: Reply, fault: Fault | None) -> Reply:
    if not isinstance(fault, AnswerCut):
        return reply
    whole = b"".join(reply.chunks)
    return replace(reply, chunks=(whole[: fault.after_bytes],), is_cut=True)


async def _no_wait(_: float) -> None:
    return None
