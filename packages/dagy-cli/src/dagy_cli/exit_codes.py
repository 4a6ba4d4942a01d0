"""What the exit code of the command means: 1 to 9 speak of the tool, 10 to 13 of the flow."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from dagy_types import FailureReason, RunStatus, errors


class ExitCode(IntEnum):
    """Every code that the command exits with."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    AUTH = 3
    NETWORK = 4
    NOT_FOUND = 5
    CONFLICT = 6
    PERMISSION_DENIED = 7
    PENDING = 8
    DIFFERENT = 8  # another word for the same: something is not as it should be, nothing failed
    LOCAL_STATE = 9
    RUN_FAILED = 10
    RUN_CANCELLED = 11
    RUN_TIMED_OUT = 12
    RUN_CRASHED = 13
    WAIT_EXPIRED = 124
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.OK: "success",
    ExitCode.UNEXPECTED: "unexpected error; the message says where the report was written",
    ExitCode.USAGE: "wrong usage or settings, a bad parameter, a flow that cannot be imported",
    ExitCode.AUTH: "not logged in, expired, refused; or no store for tokens works",
    ExitCode.NETWORK: (
        "network or server unavailable; with logout --require-revoke: a token was not revoked"
    ),
    ExitCode.NOT_FOUND: "no such file, flow, run or other thing",
    ExitCode.CONFLICT: (
        "conflict: a run that is under way or has succeeded cannot be resumed,"
        " nor one whose code has changed; other content under a version that is taken"
    ),
    ExitCode.PERMISSION_DENIED: "permission denied",
    ExitCode.PENDING: "two runs differ; with deploy --dry-run --exit-code: something would change",
    ExitCode.LOCAL_STATE: (
        "the local record, an output or an artifact is unusable,"
        " or a file cannot be written or packed"
    ),
    ExitCode.RUN_FAILED: "the run failed",
    ExitCode.RUN_CANCELLED: "the run was cancelled",
    ExitCode.RUN_TIMED_OUT: "the run timed out",
    ExitCode.RUN_CRASHED: "the run crashed",
    ExitCode.WAIT_EXPIRED: "the wait was over before the run",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.TERMINATED: "terminated (SIGTERM)",
}
"""What each code says."""

ERROR_EXIT_CODES: Mapping[type[BaseException], ExitCode] = {
    errors.UsageError: ExitCode.USAGE,
    errors.ConfigError: ExitCode.USAGE,
    errors.FlowDefinitionError: ExitCode.USAGE,
    errors.AuthError: ExitCode.AUTH,
    errors.NetworkError: ExitCode.NETWORK,
    errors.NotFoundError: ExitCode.NOT_FOUND,
    errors.ConflictError: ExitCode.CONFLICT,
    errors.PermissionDeniedError: ExitCode.PERMISSION_DENIED,
    errors.StoreError: ExitCode.LOCAL_STATE,
    errors.ArtifactError: ExitCode.LOCAL_STATE,
    errors.TaskFailedError: ExitCode.RUN_FAILED,
}
"""From an error class, its subclasses included, to the code; any other class is unexpected."""


def error_exit_code(error: BaseException) -> ExitCode:
    """Return the code for an error: that of its nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in ERROR_EXIT_CODES:
            return ERROR_EXIT_CODES[kind]
    return ExitCode.UNEXPECTED


def run_exit_code(status: RunStatus, reason: FailureReason | None) -> ExitCode:
    """Return the code for a run that has ended."""
    if status is RunStatus.SUCCEEDED:
        return ExitCode.OK
    if status is RunStatus.CANCELLED:
        return ExitCode.RUN_CANCELLED
    if reason is FailureReason.TIMED_OUT:
        return ExitCode.RUN_TIMED_OUT
    if reason is FailureReason.CRASHED:
        return ExitCode.RUN_CRASHED
    return ExitCode.RUN_FAILED
