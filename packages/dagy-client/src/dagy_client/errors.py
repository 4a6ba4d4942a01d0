"""Every error that an answer of the API, or the lack of one, can become.

Each is also one of `dagy_types.errors`, so whoever handles those needs to know none of these::

    ApiError
    ├── ApiUsageError               UsageError             any 4xx that is not below
    │   └── ApiVersionError         UsageError             426; a server too old for the operation
    ├── ApiAuthError                AuthError              401
    │   └── ApiTokenExpiredError    TokenExpiredError      401, and the server says it has expired
    ├── ApiPermissionDeniedError    PermissionDeniedError  403
    ├── ApiNotFoundError            NotFoundError          404, 410
    ├── ApiConflictError            ConflictError          409, 412, 423
    ├── ApiUnavailableError         NetworkError
    │   ├── ApiRateLimitedError     NetworkError           429
    │   ├── ApiServerError          NetworkError           any 5xx
    │   ├── ApiConnectionError      NetworkError           no answer, or not the whole of it
    │   └── ApiAnswerError          NetworkError           an answer that is not Dagy's
    └── ApiChecksumError            ArtifactError          an archive that changed on the way
"""

from __future__ import annotations

from dataclasses import dataclass

from dagy_types.errors import (
    ArtifactError,
    AuthError,
    ConflictError,
    DagyError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    TokenExpiredError,
    UsageError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiErrorDetails:
    """What programs and reports want to know of a failed call.

    Attributes:
        method: ``GET``, ``POST``, …
        path: The template of the path, ``/runs/{run_id}``: the same for all runs.
        status: The HTTP status; ``None`` when there was no answer.
        code: The server's own name of the error; empty when it gave none.
        message: The server's own words; empty when it had none.
        request_id: How the server's logs call the request.
        attempts: How many requests were made for the call.
        elapsed_seconds: From the start of the call to its end, waits included.
        retry_after_seconds: When the server wants to be asked again.
    """

    method: str = ""
    path: str = ""
    status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str | None = None
    attempts: int = 0
    elapsed_seconds: float = 0.0
    retry_after_seconds: float | None = None


class ApiError(DagyError):
    """A call of the API failed; `details` says how."""

    def __init__(
        self, message: str, *, hint: str | None = None, details: ApiErrorDetails | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.details = ApiErrorDetails() if details is None else details

    @property
    def status(self) -> int | None:
        """The HTTP status; ``None`` when there was no answer."""
        return self.details.status

    @property
    def request_id(self) -> str | None:
        """How the server's logs call the request."""
        return self.details.request_id


class ApiUsageError(ApiError, UsageError):
    """The server cannot do anything with the request."""


class ApiVersionError(ApiUsageError):
    """Client and server are too far apart: one of them has to be upgraded."""


class ApiAuthError(ApiError, AuthError):
    """The server refuses the token, or wants one."""


class ApiTokenExpiredError(ApiAuthError, TokenExpiredError):
    """The token has expired."""


class ApiPermissionDeniedError(ApiError, PermissionDeniedError):
    """The server knows who asks, and does not allow it."""


class ApiNotFoundError(ApiError, NotFoundError):
    """There is no such thing on the server."""


class ApiConflictError(ApiError, ConflictError):
    """The state of things on the server does not allow it now."""


class ApiUnavailableError(ApiError, NetworkError):
    """The server does not do its work, or cannot be reached."""


class ApiRateLimitedError(ApiUnavailableError):
    """Too many requests, still after all retries."""


class ApiServerError(ApiUnavailableError):
    """The server failed."""


class ApiConnectionError(ApiUnavailableError):
    """There was no answer in time, or not the whole of one."""


class ApiAnswerError(ApiUnavailableError):
    """The answer is not one of the Dagy API: HTML, a redirect elsewhere, JSON that does not fit."""


class ApiChecksumError(ApiError, ArtifactError):
    """An archive is not the same on both sides."""
