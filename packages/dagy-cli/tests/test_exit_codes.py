from __future__ import annotations

import pytest

from dagy_auth import NoCallbackError
from dagy_cli.exit_codes import ExitCode, error_exit_code, run_exit_code
from dagy_types import FailureReason, RunStatus, errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (RuntimeError, 1),
        (errors.DagyError, 1),
        (errors.UsageError, 2),
        (errors.ConfigError, 2),
        (errors.FlowDefinitionError, 2),
        (errors.AuthError, 3),
        (errors.NotLoggedInError, 3),
        (errors.TokenExpiredError, 3),
        (errors.CredentialStoreError, 3),
        (NoCallbackError, 3),
        (errors.NetworkError, 4),
        (errors.NotFoundError, 5),
        (errors.ConflictError, 6),
        (errors.PermissionDeniedError, 7),
        (errors.StoreError, 9),
        (errors.StoreBusyError, 9),
        (errors.StoreVersionError, 9),
        (errors.ArtifactError, 9),
        (errors.TaskFailedError, 10),
        (errors.TaskTimeoutError, 10),
    ],
)
def test_each_error_class_has_its_code(kind: type[Exception], code: int) -> None:
    assert error_exit_code(kind("x")) == code


def test_no_error_class_is_forgotten() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    dagy_errors = [kind for kind in classes if issubclass(kind, errors.DagyError)]
    unmapped = {kind for kind in dagy_errors if error_exit_code(kind("x")) is ExitCode.UNEXPECTED}
    assert unmapped == {errors.DagyError}


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (RunStatus.SUCCEEDED, None, 0),
        (RunStatus.FAILED, None, 10),
        (RunStatus.CANCELLED, None, 11),
        (RunStatus.FAILED, FailureReason.TIMED_OUT, 12),
        (RunStatus.FAILED, FailureReason.CRASHED, 13),
    ],
)
def test_each_outcome_of_a_run_has_its_code(
    status: RunStatus, reason: FailureReason | None, code: int
) -> None:
    assert run_exit_code(status, reason) == code


def test_the_codes_are_those_that_the_readme_promises() -> None:
    assert [code.value for code in ExitCode] == [*range(14), 124, 130, 143]
