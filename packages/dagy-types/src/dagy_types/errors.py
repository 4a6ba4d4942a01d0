"""Every error that a Dagy package raises on purpose.

::

    DagyError
    ├── UsageError               a wrong argument or parameter
    ├── ConfigError              settings that cannot be used
    ├── AuthError                refused credentials
    │   ├── NotLoggedInError
    │   ├── TokenExpiredError
    │   └── CredentialStoreError
    ├── PermissionDeniedError
    ├── NetworkError             server unreachable or still unavailable after retries
    ├── NotFoundError            no such file, flow, run, deployment
    ├── ConflictError            a precondition does not hold
    ├── StoreError               local state unusable
    │   ├── StoreBusyError
    │   └── StoreVersionError
    ├── ArtifactError            an output or archive that cannot be written or read
    ├── FlowDefinitionError      a flow that cannot be imported or traced
    └── TaskFailedError          a task raised
        ├── TaskTimeoutError
        └── WorkerLostError      its process ended in the middle

A library raises one of these or returns; it never prints and never exits. Errors know no exit
codes.
"""

from __future__ import annotations

from typing import ClassVar


class DagyError(Exception):
    """The root of all.

    Args:
        message: What happened, to which thing; one line.
        hint: What to do next; one line.
    """

    code: ClassVar[str] = "error"
    """A stable name of the error's kind, for programs."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DagyError):
    """A wrong argument or parameter."""

    code = "usage"


class ConfigError(DagyError):
    """Settings that are missing, contradictory or malformed."""

    code = "config"


class AuthError(DagyError):
    """Credentials that the server refused."""

    code = "auth"


class NotLoggedInError(AuthError):
    """No credentials are known for this server."""

    code = "not_logged_in"


class TokenExpiredError(AuthError):
    """The stored session has ended."""

    code = "token_expired"


class CredentialStoreError(AuthError):
    """Credentials cannot be stored, or what is stored cannot be read."""

    code = "credential_store"


class PermissionDeniedError(DagyError):
    """The identity is known and may not do this."""

    code = "permission_denied"


class NetworkError(DagyError):
    """The server cannot be reached, or stays unavailable or rate limited after retries."""

    code = "network"


class NotFoundError(DagyError):
    """No such file, flow, run or deployment."""

    code = "not_found"


class ConflictError(DagyError):
    """A precondition does not hold, or somebody else was first."""

    code = "conflict"


class StoreError(DagyError):
    """The local record of runs cannot be read or written."""

    code = "store"


class StoreBusyError(StoreError):
    """Another process held the store for longer than the time limit."""

    code = "store_busy"


class StoreVersionError(StoreError):
    """The store was written by a newer version."""

    code = "store_version"


class ArtifactError(DagyError):
    """An output or archive that cannot be written, read or restored exactly."""

    code = "artifact"


class FlowDefinitionError(DagyError):
    """A flow that cannot be imported, or whose graph cannot be traced."""

    code = "flow_definition"


class TaskFailedError(DagyError):
    """A task of a run failed; ``__cause__`` is what its function raised, where that is known."""

    code = "task_failed"

    def __init__(
        self, message: str, *, hint: str | None = None, run_id: str = "", task_id: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.run_id = run_id
        self.task_id = task_id


class TaskTimeoutError(TaskFailedError):
    """A task did not end within its time limit."""

    code = "task_timeout"


class WorkerLostError(TaskFailedError):
    """The process that ran a task ended before the task did."""

    code = "worker_lost"
