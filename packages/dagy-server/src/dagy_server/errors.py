"""Errors of requests, and the HTTP status of every error.

Only what is meant for the sender is in an answer: a message and a hint that this project wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagy_types import errors
from dagy_types.errors import ConflictError, DagyError, UsageError


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of a request; ``path`` is dotted: ``body.tags.team``."""

    path: str
    message: str


class InvalidFieldsError(UsageError):
    """Fields of a request that cannot be accepted."""

    code = "invalid_fields"

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        first = faults[0]
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(
            f"{first.path}: {first.message}.{more}", hint="See fields for each of them."
        )
        self.faults = tuple(faults)


class TooLargeError(UsageError):
    """A request that is larger than this server reads."""

    code = "too_large"


class HeadersTooLargeError(UsageError):
    """The headers of a request are larger than is allowed."""

    code = "headers_too_large"


class MediaTypeError(UsageError):
    """A body of a kind that the route does not read."""

    code = "media_type"


class MethodError(UsageError):
    """A path that exists, asked with a method that it does not have."""

    code = "method"


class HostError(UsageError):
    """A request that was meant for a server of another name."""

    code = "host"


class RangeError(UsageError):
    """A range of bytes that is not in the thing."""

    code = "range"


class IdempotencyError(UsageError):
    """An idempotency key that came before with another request."""

    code = "idempotency"


class InFlightError(ConflictError):
    """The request with this idempotency key is under way."""

    code = "in_flight"
    retry_after_seconds = 1


class TooManyRequestsError(DagyError):
    """More requests than this server takes from one sender."""

    code = "rate_limited"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many requests.", hint=f"Try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


STATUS: Mapping[type[BaseException], int] = {
    UsageError: 400,
    InvalidFieldsError: 422,
    IdempotencyError: 422,
    TooLargeError: 413,
    HeadersTooLargeError: 431,
    MediaTypeError: 415,
    MethodError: 405,
    HostError: 421,
    RangeError: 416,
    errors.FlowDefinitionError: 422,
    errors.ArtifactError: 422,
    errors.AuthError: 401,
    errors.PermissionDeniedError: 403,
    errors.NotFoundError: 404,
    ConflictError: 409,
    TooManyRequestsError: 429,
    errors.StoreError: 503,
    errors.NetworkError: 503,
}
"""From an error class, its subclasses included, to the status; any other class is a fault here."""

_BEARER = 'Bearer realm="dagy"'

_RETRY_AFTER_SECONDS = 1
"""When a server that is busy wants to be asked again."""


def status_of(error: BaseException) -> int:
    """Return the status for an error: that of its nearest class in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_document(error: DagyError, request_id: str) -> dict[str, Any]:
    """Return the body of the answer for an error."""
    document: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "request_id": request_id,
    }
    if isinstance(error, InvalidFieldsError):
        document["fields"] = [
            {"path": fault.path, "message": fault.message} for fault in error.faults
        ]
    return {"error": document}


def error_headers(error: DagyError) -> dict[str, str]:
    """Return the headers that belong to an error."""
    status = status_of(error)
    if isinstance(error, errors.NotLoggedInError):
        return {"WWW-Authenticate": _BEARER}  # RFC 6750 §3.1: no error code for no credentials
    if status == 401:
        return {"WWW-Authenticate": f'{_BEARER}, error="invalid_token"'}
    if isinstance(error, TooManyRequestsError | InFlightError):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {"Retry-After": str(_RETRY_AFTER_SECONDS)} if status == 503 else {}


def internal_document(request_id: str) -> dict[str, Any]:
    """Return the body of the answer for a fault of the server, which tells nothing of it."""
    return error_document(
        DagyError(
            "The server failed to answer.",
            hint="Try again. If it stays so, give the request id to whoever runs the server.",
        ),
        request_id,
    )
