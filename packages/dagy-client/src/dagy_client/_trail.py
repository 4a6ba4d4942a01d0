"""What is known of a call while it lasts, and what an error tells of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from dagy_client._steps import WireResponse
from dagy_client.errors import (
    ApiAuthError,
    ApiConflictError,
    ApiError,
    ApiErrorDetails,
    ApiNotFoundError,
    ApiPermissionDeniedError,
    ApiRateLimitedError,
    ApiServerError,
    ApiTokenExpiredError,
    ApiUsageError,
    ApiVersionError,
)

E = TypeVar("E", bound=ApiError)

_LONGEST_MESSAGE = 300
_LOG_IN = "Log in again, or check the token that the client was given."
_KINDS: Mapping[int, tuple[type[ApiError], str | None]] = {
    401: (ApiAuthError, _LOG_IN),
    403: (
        ApiPermissionDeniedError,
        "Ask an owner or admin of the organisation for the permission.",
    ),
    404: (ApiNotFoundError, "Check the name or id, and the base URL with its prefix."),
    409: (ApiConflictError, "Look at its present state, then try again."),
    410: (ApiNotFoundError, "It has been removed."),
    412: (ApiConflictError, "Look at its present state, then try again."),
    423: (ApiConflictError, "Look at its present state, then try again."),
    426: (ApiVersionError, "Upgrade: pip install -U dagy-client"),
    429: (ApiRateLimitedError, "Wait, and send fewer requests at a time."),
}
_OTHER_4XX = (ApiUsageError, "Check the arguments of the call.")
_OTHER = (ApiServerError, "Try again later; the request id finds it in the server's logs.")


@dataclass(slots=True, kw_only=True)
class Trail:
    """One logical call: how it goes on.

    Attributes:
        path: The template of the path.
        request_id: What the client calls the call; a server may have a name of its own.
        secrets: What must not be told again, even if the server repeats it.
    """

    method: str
    path: str
    request_id: str
    started: float
    clock: Callable[[], float]
    attempts: int = 0
    secrets: set[str] = field(default_factory=set, repr=False)

    def error(
        self,
        kind: Callable[..., E],
        what: str,
        *,
        hint: str | None = None,
        response: WireResponse | None = None,
        code: str = "",
        message: str = "",
        retry_after_seconds: float | None = None,
    ) -> E:
        """Return an error of this kind; ``what`` is a sentence about what happened."""
        headers = {} if response is None else response.headers
        details = ApiErrorDetails(
            method=self.method,
            path=self.path,
            status=None if response is None else response.status,
            code=code,
            message=message,
            request_id=self.shown(headers.get("x-request-id", "")) or self.request_id,
            attempts=self.attempts,
            elapsed_seconds=self.clock() - self.started,
            retry_after_seconds=retry_after_seconds,
        )
        return kind(f"{what} ({_summary(details)})", hint=hint, details=details)

    def shown(self, text: str) -> str:
        """Return a text of the server's as one short line without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "[hidden]")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"


def status_error(
    trail: Trail, response: WireResponse, *, retry_after_seconds: float | None = None
) -> ApiError:
    """Return what a status that is no success means."""
    told = _told(response.body)
    code, message, hint = (trail.shown(each) for each in told)
    kind, usual_hint = _KINDS.get(response.status, _OTHER_4XX if response.status < 500 else _OTHER)
    if kind is ApiAuthError and _has_expired(code, response.headers):
        kind = ApiTokenExpiredError
    what = message or f"The server answered {response.status} ({_phrase(response.status)})"
    return trail.error(
        kind,
        what if what.endswith((".", "!", "?", "…")) else f"{what}.",
        hint=hint or usual_hint,
        response=response,
        code=code,
        message=message,
        retry_after_seconds=retry_after_seconds,
    )


def _told(body: bytes) -> tuple[str, str, str]:
    """Return code, message and hint of an error document: ours, or FastAPI's."""
    try:
        document = json.loads(body)
    except ValueError:
        return "", "", ""
    if not isinstance(document, dict):
        return "", "", ""
    error = document.get("error")
    if isinstance(error, dict):
        return _text(error.get("code")), _text(error.get("message")), _text(error.get("hint"))
    return "", _told_by_fastapi(document.get("detail", error)), ""


def _told_by_fastapi(detail: Any) -> str:  # Any: JSON
    if isinstance(detail, list):  # one object for each field that is wrong
        wrong = [each for each in detail if isinstance(each, dict) and _text(each.get("msg"))]
        return "; ".join(
            f"{'.'.join(map(str, _list(each.get('loc'))))}: {_text(each.get('msg'))}"
            for each in wrong
        )
    if isinstance(detail, dict):
        return _text(detail.get("message"))
    return _text(detail)


def _text(value: Any) -> str:  # Any: JSON
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:  # Any: JSON
    return value if isinstance(value, list) else []


def _has_expired(code: str, headers: Mapping[str, str]) -> bool:
    return "expired" in code.lower() or "expired" in headers.get("www-authenticate", "").lower()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown"


def _summary(details: ApiErrorDetails) -> str:
    parts = [f"{details.method} {details.path}"]
    if details.status is not None:
        parts.append(f"HTTP {details.status}")
    parts.append(f"request {details.request_id}")
    if details.attempts > 1:
        parts.append(f"{details.attempts} attempts")
    if details.retry_after_seconds is not None:
        parts.append(f"retry after {details.retry_after_seconds:g} s")
    return ", ".join(parts)
