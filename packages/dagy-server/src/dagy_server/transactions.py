"""What a handler works with: a call, and in it a view of the database or a change of it.

A change is one transaction: what the handler does, its row in the audit log and the record of its
idempotency key are committed together, and only then the answer is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagy_server import audit, idempotency
from dagy_server.callers import Caller
from dagy_server.services import Services

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A document with a status or headers other than the route's own."""

    document: Document | None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Result = Document | Answer | Response | None
"""What a handler returns; nothing is a 204."""


@dataclass(frozen=True, slots=True)
class View:
    """What a handler that only reads works with.

    Attributes:
        now: The time of the request.
    """

    connection: Connection
    call: Call
    now: int

    @property
    def services(self) -> Services:
        """The parts of the server."""
        return self.call.services

    @property
    def caller(self) -> Caller:
        """Who asks; a public route has nobody to name."""
        return self.call.caller


@dataclass(slots=True)
class Change:
    """What a handler that changes something works with; it audits exactly once."""

    connection: Connection
    call: Call
    now: int
    _is_audited: bool = False

    @property
    def services(self) -> Services:
        """The parts of the server."""
        return self.call.services

    @property
    def caller(self) -> Caller:
        """Who asks; a public route has nobody to name."""
        return self.call.caller

    @property
    def is_audited(self) -> bool:
        """Whether the row is written."""
        return self._is_audited

    def audit(
        self,
        target: str,
        *,
        details: Mapping[str, Any] | None = None,
        action: str | None = None,
        actor: str | None = None,
        organisation_id: str | None = None,
    ) -> None:
        """Write the row of this change.

        Args:
            target: The id or name of what is changed.
            details: What else there is to know of it, as JSON; never a secret.
            action: Another one than the route names.
            actor: Who does it, on a public route.
            organisation_id: Whose thing it is, on a public route.
        """
        if self._is_audited:
            raise RuntimeError(f"{self.call.action} is audited twice")
        self._is_audited = True
        caller = self.call.caller_or_none
        audit.record(
            self.connection,
            at=self.now,
            organisation_id=caller.organisation_id if caller else organisation_id,
            actor=caller.actor if caller else actor or audit.SERVER,
            action=action or self.call.action,
            target=target,
            request_id=self.call.request_id,
            details=details,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to one route, whose caller may make it.

    Attributes:
        address: What stands for where it comes from, see `rate_limits.address_name`.
        body: As it came; empty for a route that streams.
        action: What the route does, in the audit log.
        status: Of an answer that does not say otherwise.
        has_secret: Whether the answer must not be kept for an idempotency key.
    """

    request: Request
    services: Services
    request_id: str
    address: str
    caller_or_none: Caller | None
    action: str
    status: int
    has_secret: bool
    body: bytes = b""

    @property
    def caller(self) -> Caller:
        """Who makes it.

        Raises:
            RuntimeError: On a public route.
        """
        if self.caller_or_none is None:
            raise RuntimeError("a public route has no caller")
        return self.caller_or_none

    @contextmanager
    def view(self) -> Iterator[View]:
        """Open the database for reading."""
        with self.services.database.reading() as connection:
            yield View(connection, self, self.services.clock())

    def change(self, work: Callable[[Change], Result], *, fingerprint: bytes = b"") -> Response:
        """Do something in one transaction, once for each idempotency key, and return the answer.

        Args:
            fingerprint: Stands for the body of a route that streams.
        """
        key = self._key(fingerprint or self.body)
        with self.services.in_flight.working_on(key), self.services.database.writing() as link:
            change = Change(link, self, self.services.clock())
            replay = idempotency.claim(link, key, now=change.now) if key else None
            if replay is not None:
                return _replayed(replay)
            answer = to_response(work(change), self.status)
            if not change.is_audited:
                raise RuntimeError(f"{self.action} is not audited")
            if key:
                kept = None if self.has_secret else bytes(answer.body)
                idempotency.settle(link, key, status=answer.status_code, body=kept)
        return answer

    async def change_async(
        self, work: Callable[[Change], Result], *, fingerprint: bytes = b""
    ) -> Response:
        """As `change`, from a coroutine."""
        return await run_in_threadpool(self.change, work, fingerprint=fingerprint)

    def _key(self, body: bytes) -> idempotency.Key | None:
        if self.caller_or_none is None:
            return None
        url = self.request.url
        return idempotency.read_key(
            self.request.headers.get(idempotency.HEADER),
            principal=self.caller.actor,
            request=(self.request.method, f"{url.path}?{url.query}", body),
        )


def to_response(result: Result, status: int) -> Response:
    """Return the answer for what a handler returned."""
    if isinstance(result, Response):
        return result
    answer = result if isinstance(result, Answer) else Answer(result)
    if answer.document is None:
        return Response(status_code=answer.status or 204, headers=dict(answer.headers))
    return json_response(answer.document, answer.status or status, answer.headers)


def json_response(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON answer."""
    body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(
        body.encode(), status, headers=dict(headers or {}), media_type="application/json"
    )


def _replayed(replay: idempotency.Replay) -> Response:
    return Response(
        replay.body,
        replay.status,
        headers={idempotency.REPLAYED_HEADER: "true"},
        media_type="application/json" if replay.body else None,
    )
