"""One logical call, from its first request to its answer or its error."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dagy_client._auth import Authorizer
from dagy_client._base_url import BaseUrl, redirect_target, shown_origin
from dagy_client._limits import (
    RetryPolicy,
    Timeouts,
    backoff_seconds,
    delay_before_retry,
    is_retried,
    retry_after_seconds,
)
from dagy_client._redaction import redacted_headers
from dagy_client._steps import (
    Chunks,
    Plan,
    Sleep,
    Trouble,
    WireError,
    WireRequest,
    WireResponse,
    send,
)
from dagy_client._trail import Trail, status_error
from dagy_client.errors import ApiAnswerError, ApiConnectionError, ApiError, ApiVersionError

_MAX_REDIRECTS = 3
_KEEPING_METHOD = frozenset({307, 308})
_REDIRECTS = frozenset({301, 302, 303}) | _KEEPING_METHOD
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAYBE_TOO_OLD = frozenset({400, 404, 405, 422, 501})
_ADVICE = {
    Trouble.UNREACHABLE: "Check the base URL and the network, then try again.",
    Trouble.UNTRUSTED: "Name the authority that signed it in SSL_CERT_FILE.",
    Trouble.TOO_SLOW: "Try again, or raise the limit in Timeouts.",
}
_TRY_AGAIN = "Try again."

_log = logging.getLogger("dagy_client")
_headers_log = logging.getLogger("dagy_client.headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """What a call asks for, the same on each of its attempts.

    Attributes:
        template: The path with the names of its parts: ``/runs/{run_id}``.
        path: The path with its parts, encoded, and with the query.
        is_repeatable: Whether it may be sent again when nobody knows if the server has acted.
        is_transfer: Whether it may take as long as the transfer of an archive.
    """

    method: str
    template: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | Chunks | None = field(default=None, repr=False)
    is_public: bool = False
    is_repeatable: bool = True
    is_streamed: bool = False
    is_transfer: bool = False
    api_level: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, and how it was come by."""

    response: WireResponse
    trail: Trail


class Exchange:
    """Decides what a call does next; everything that it depends on is given."""

    def __init__(
        self,
        base_url: BaseUrl,
        auth: Authorizer,
        *,
        policy: RetryPolicy,
        timeouts: Timeouts,
        headers: Mapping[str, str],
        clock: Callable[[], float],
        now: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self.policy = policy
        self._base_url = base_url
        self._auth = auth
        self._timeouts = timeouts
        self._headers = headers
        self._clock = clock
        self._now = now
        self._random = random

    def send(self, request: ApiRequest) -> Plan[Answer]:
        """Send a request, again if need be, for a good answer.

        Raises:
            ApiError: When there is none.
        """
        trail = self.new_trail(request)
        total = self._timeouts.transfer if request.is_transfer else self._timeouts.total
        deadline = trail.started + total
        tries = 0
        while True:
            tries += 1
            wait = None
            try:
                response = yield from self._authorized(request, trail, deadline)
            except WireError as trouble:
                error: ApiError = self.connection_error(trail, trouble)
                may_help = trouble.trouble not in (Trouble.UNTRUSTED, Trouble.TOO_LONG)
            else:
                if 200 <= response.status < 300:
                    return Answer(response, trail)
                wait = retry_after_seconds(response.headers, now=self._now())
                error = self._refusal(request, trail, response, wait)
                may_help = is_retried(response.status, response.headers)
            delay = delay_before_retry(
                self.policy,
                attempt=tries,
                remaining_seconds=deadline - self._clock(),
                random=self._random,
                retry_after_seconds=wait,
            )
            if delay is None or not may_help or not request.is_repeatable:
                raise error
            _log.info("%s %s: again in %.2f s", request.method, request.template, delay)
            yield Sleep(delay)

    def pause(self, failures: int, *, wanted_seconds: float = 0.0) -> Plan[None]:
        """Wait before a stream is opened again that was cut this often in a row."""
        backoff = backoff_seconds(self.policy, attempt=failures, random=self._random)
        yield Sleep(max(backoff, min(wanted_seconds, self.policy.max_retry_after_seconds)))

    def require_in_time(self, trail: Trail, *, since: float) -> None:
        """Refuse to go on with a transfer that has lasted too long.

        Raises:
            ApiConnectionError: When it has.
        """
        if self._clock() - since > self._timeouts.transfer:
            raise self.connection_error(trail, WireError(Trouble.TOO_SLOW))

    def new_trail(self, request: ApiRequest) -> Trail:
        """Begin a call."""
        return Trail(
            method=request.method,
            path=request.template,
            request_id=request.headers.get("X-Request-ID") or f"req_{new_id()}",
            started=self._clock(),
            clock=self._clock,
        )

    def connection_error(self, trail: Trail, trouble: WireError) -> ApiError:
        """Return the error of a call that got no answer, or not the whole of one."""
        reason = f": {trail.shown(trouble.reason).rstrip('.')}" if trouble.reason else ""
        return trail.error(
            ApiConnectionError,
            f"{shown_origin(self._base_url.origin)} {trouble.trouble.value}{reason}.",
            hint=_ADVICE.get(trouble.trouble, _TRY_AGAIN),
        )

    def _authorized(self, request: ApiRequest, trail: Trail, deadline: float) -> Plan[WireResponse]:
        url = self._base_url.url_of(request.path)
        token = None if request.is_public else (yield from self._auth.token(url))
        response = yield from self._followed(request, url, token, trail, deadline)
        if response.status != 401:
            return response
        # The server has not acted, so even what must not be repeated can be sent once more.
        other = yield from self._auth.other_token(url, token)
        if other is None:
            return response
        return (yield from self._followed(request, url, other, trail, deadline))

    def _followed(
        self, request: ApiRequest, url: str, token: str | None, trail: Trail, deadline: float
    ) -> Plan[WireResponse]:
        trail.attempts += 1
        for _ in range(_MAX_REDIRECTS + 1):
            response = yield from self._sent(request, url, token, trail, deadline)
            if response.status not in _REDIRECTS:
                return response
            url = _next_url(request, url, response, trail)
        raise trail.error(
            ApiAnswerError,
            f"The server redirected more than {_MAX_REDIRECTS} times.",
            hint="Check the base URL of the API.",
            response=response,
        )

    def _sent(
        self, request: ApiRequest, url: str, token: str | None, trail: Trail, deadline: float
    ) -> Plan[WireResponse]:
        headers = {**self._headers, **request.headers, "X-Request-ID": trail.request_id}
        if token is not None:
            trail.secrets.add(token)
            headers["Authorization"] = f"Bearer {token}"
        idle = self._timeouts.read
        if request.is_streamed and not request.is_transfer:
            idle = self._timeouts.heartbeat
        outgoing = WireRequest(
            method=request.method,
            url=url,
            headers=headers,
            content=request.content,
            deadline=deadline,
            idle_seconds=idle,
            is_streamed=request.is_streamed,
        )
        started = self._clock()
        outcome: WireResponse | WireError | None = None
        try:
            outcome = yield from send(outgoing)
            return outcome
        except WireError as trouble:
            outcome = trouble
            raise
        finally:
            _log_attempt(outgoing, outcome, trail, self._clock() - started)

    def _refusal(
        self, request: ApiRequest, trail: Trail, response: WireResponse, wait: float | None
    ) -> ApiError:
        level = response.headers.get("dagy-api-level", "")
        is_older = level.isdigit() and int(level[:9]) < request.api_level
        if is_older and response.status in _MAYBE_TOO_OLD:
            return trail.error(
                ApiVersionError,
                f"The server is too old for this: it has API level {level}, "
                f"and level {request.api_level} is needed.",
                hint="Ask its administrators to upgrade it, or use an older dagy-client.",
                response=response,
            )
        return status_error(trail, response, retry_after_seconds=wait)


def new_id() -> str:
    """Return an id that nobody else has; forks of this process have others."""
    return os.urandom(12).hex()


def _next_url(request: ApiRequest, url: str, response: WireResponse, trail: Trail) -> str:
    location = response.headers.get("location", "")
    target = redirect_target(url, location)
    if target is None:
        raise trail.error(
            ApiAnswerError,
            f"The server redirected to {shown_origin(location)}, which is not where the API is.",
            hint="If that is right, make it the base URL. No token was sent there.",
            response=response,
        )
    if request.method not in _SAFE_METHODS and response.status not in _KEEPING_METHOD:
        raise trail.error(
            ApiAnswerError,
            f"The server redirected a {request.method}, which would make a GET of it.",
            hint="Check the base URL of the API: scheme, host and prefix.",
            response=response,
        )
    return target


def _log_attempt(
    request: WireRequest,
    outcome: WireResponse | WireError | None,
    trail: Trail,
    seconds: float,
) -> None:
    if not _log.isEnabledFor(logging.DEBUG):
        return
    status = str(outcome.status) if isinstance(outcome, WireResponse) else "no answer"
    if isinstance(outcome, WireError):
        status = outcome.trouble.name
    _log.debug(
        "%s %s: %s in %.0f ms (attempt %d, request %s)",
        request.method,
        urlsplit(request.url).path,
        status,
        seconds * 1000,
        trail.attempts,
        trail.request_id,
    )
    _headers_log.debug("Headers: %s", redacted_headers(request.headers))
