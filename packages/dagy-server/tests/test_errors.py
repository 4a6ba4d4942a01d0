from __future__ import annotations

import pytest

from dagy_server import errors as server_errors
from dagy_server.errors import (
    STATUS,
    FieldFault,
    InFlightError,
    InvalidFieldsError,
    TooManyRequestsError,
    error_document,
    error_headers,
    internal_document,
    status_of,
)
from dagy_types import errors
from dagy_types.errors import DagyError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("x"), 400),
        (errors.AuthError("x"), 401),
        (errors.NotLoggedInError("x"), 401),
        (errors.TokenExpiredError("x"), 401),
        (errors.PermissionDeniedError("x"), 403),
        (errors.NotFoundError("x"), 404),
        (errors.ConflictError("x"), 409),
        (InFlightError("x"), 409),
        (server_errors.TooLargeError("x"), 413),
        (server_errors.MediaTypeError("x"), 415),
        (server_errors.RangeError("x"), 416),
        (server_errors.HostError("x"), 421),
        (InvalidFieldsError([FieldFault("body.x", "bad")]), 422),
        (server_errors.IdempotencyError("x"), 422),
        (errors.FlowDefinitionError("x"), 422),
        (errors.ArtifactError("x"), 422),
        (TooManyRequestsError(3), 429),
        (errors.StoreBusyError("x"), 503),
        (errors.StoreError("x"), 503),
        (errors.NetworkError("x"), 503),
        (errors.ConfigError("x"), 500),
        (DagyError("x"), 500),
        (ZeroDivisionError(), 500),
    ],
)
def test_every_error_has_a_status(error: BaseException, status: int) -> None:
    assert status_of(error) == status


def test_every_error_that_is_made_here_has_a_status_of_its_own_or_of_its_kind() -> None:
    own = [
        each
        for each in vars(server_errors).values()
        if isinstance(each, type) and issubclass(each, DagyError) and each is not DagyError
    ]
    assert all(any(kind in STATUS for kind in each.__mro__) for each in own)


def test_the_document_has_what_clients_are_promised() -> None:
    document = error_document(errors.NotFoundError("No such run.", hint="Look."), "req_1")
    assert document == {
        "error": {
            "code": "not_found",
            "message": "No such run.",
            "hint": "Look.",
            "request_id": "req_1",
        }
    }


def test_each_field_that_is_wrong_is_named() -> None:
    error = InvalidFieldsError([FieldFault("body.a", "bad"), FieldFault("query.b", "worse")])
    assert error.message == "body.a: bad. (1 more)"
    assert error_document(error, "req_1")["error"]["fields"] == [
        {"path": "body.a", "message": "bad"},
        {"path": "query.b", "message": "worse"},
    ]


def test_headers_say_when_to_come_again_and_how_to_log_in() -> None:
    assert error_headers(TooManyRequestsError(7)) == {"Retry-After": "7"}
    assert error_headers(InFlightError("x")) == {"Retry-After": "1"}
    assert error_headers(errors.StoreBusyError("x")) == {"Retry-After": "1"}
    assert error_headers(errors.ConflictError("x")) == {}
    missing = error_headers(errors.NotLoggedInError("x"))["WWW-Authenticate"]
    assert missing == 'Bearer realm="dagy"'
    expired = error_headers(errors.TokenExpiredError("x"))["WWW-Authenticate"]
    assert expired == 'Bearer realm="dagy", error="invalid_token"'


def test_sec_24_a_fault_of_the_server_tells_nothing_of_it() -> None:
    text = str(internal_document("req_1"))
    assert "req_1" in text
    assert "Traceback" not in text
