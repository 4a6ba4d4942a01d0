"""Around every request: its id, the name it calls the server by, the headers of every answer."""

from __future__ import annotations

import logging
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dagy_server.error_answers import answer_error
from dagy_server.errors import HeadersTooLargeError, HostError
from dagy_server.hosts import is_known_host
from dagy_server.ids import new_id
from dagy_server.limits import HEADER_BYTES
from dagy_server.rate_limits import Taken

REQUEST_ID_HEADER = "X-Request-ID"

API_LEVEL_HEADER = "Dagy-API-Level"
API_LEVEL = "1"
"""Raised when clients can ask for something new."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_logger = logging.getLogger("dagy_server")

_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class Envelope:
    """The outermost part of the app; no error gets past it, unless the answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        request_id = state["request_id"] = _request_id(scope)
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _add_headers(message, request_id, state.get("rate"))
            await send(message)

        try:
            _require_small_headers(scope)
            _require_known_host(scope)
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if has_begun:
                _logger.exception("Request %s broke off", request_id)
                raise
            answer = answer_error(error, path=scope["path"], request_id=request_id)
            await answer(scope, receive, send_with_headers)


def _require_small_headers(scope: Scope) -> None:
    # The server below counts only what has not come in whole yet.
    size = len(scope["raw_path"] or b"") + len(scope["query_string"])
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > HEADER_BYTES:
        raise HeadersTooLargeError(
            "The path and the headers are too large.", hint=f"Send up to {HEADER_BYTES} bytes."
        )


def _require_known_host(scope: Scope) -> None:
    header = Headers(scope=scope).get("host", "")
    if not is_known_host(header, scope["app"].state.services.settings):
        raise HostError(
            "This server is not called that.",
            hint="Use its address, or add the name: --allowed-host NAME",
        )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _REQUEST_ID.fullmatch(given) else new_id("req")


def _add_headers(message: Message, request_id: str, rate: Taken | None) -> None:
    headers = MutableHeaders(scope=message)
    headers[REQUEST_ID_HEADER] = request_id
    headers[API_LEVEL_HEADER] = API_LEVEL
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    for name, value in (rate.headers if rate else {}).items():
        headers[name] = value
