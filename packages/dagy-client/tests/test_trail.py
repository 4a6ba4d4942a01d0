from __future__ import annotations

import json
from typing import Any

import pytest

from dagy_client import errors
from dagy_client._steps import WireResponse
from dagy_client._trail import Trail, status_error


def new_trail(**changes: Any) -> Trail:
    fields: dict[str, Any] = {
        "method": "GET",
        "path": "/runs/{run_id}",
        "request_id": "req_mine",
        "started": 1.0,
        "clock": lambda: 3.5,
        "attempts": 1,
    }
    return Trail(**{**fields, **changes})


def answered(status: int, document: object = None, **headers: str) -> WireResponse:
    body = b"" if document is None else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WireResponse(status=status, headers=named, body=body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ApiUsageError),
        (401, errors.ApiAuthError),
        (402, errors.ApiUsageError),
        (403, errors.ApiPermissionDeniedError),
        (404, errors.ApiNotFoundError),
        (405, errors.ApiUsageError),
        (409, errors.ApiConflictError),
        (410, errors.ApiNotFoundError),
        (412, errors.ApiConflictError),
        (418, errors.ApiUsageError),
        (422, errors.ApiUsageError),
        (423, errors.ApiConflictError),
        (426, errors.ApiVersionError),
        (429, errors.ApiRateLimitedError),
        (451, errors.ApiUsageError),
        (499, errors.ApiUsageError),
        (500, errors.ApiServerError),
        (503, errors.ApiServerError),
        (511, errors.ApiServerError),
        (599, errors.ApiServerError),
    ],
)
def test_each_status_has_its_kind_of_error(status: int, kind: type[errors.ApiError]) -> None:
    """HTTP-05: the table in the README."""
    error = status_error(new_trail(), answered(status))
    assert type(error) is kind
    assert error.status == status
    assert error.hint is not None


@pytest.mark.parametrize("status", [*range(300, 600)])
def test_no_status_is_without_an_error_of_one_line(status: int) -> None:
    """HTTP-05."""
    error = status_error(new_trail(), answered(status))
    assert len(str(error).splitlines()) == 1
    assert f"HTTP {status}" in str(error)


def test_an_error_tells_the_server_s_words_and_all_details() -> None:
    document = {
        "error": {"code": "run_not_found", "message": "No such run: 'r1'.", "hint": "List them."}
    }
    response = answered(404, document, x_request_id="req_theirs")
    error = status_error(new_trail(attempts=3), response, retry_after_seconds=7.0)
    assert str(error) == (
        "No such run: 'r1'. (GET /runs/{run_id}, HTTP 404, request req_theirs, 3 attempts, "
        "retry after 7 s)"
    )
    assert error.hint == "List them."
    assert error.details == errors.ApiErrorDetails(
        method="GET",
        path="/runs/{run_id}",
        status=404,
        code="run_not_found",
        message="No such run: 'r1'.",
        request_id="req_theirs",
        attempts=3,
        elapsed_seconds=2.5,
        retry_after_seconds=7.0,
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"detail": "Not here"}, "Not here."),
        ({"detail": {"message": "Not here"}}, "Not here."),
        (
            {"detail": [{"loc": ["body", "name"], "msg": "Field required"}, "odd", {"loc": 5}]},
            "body.name: Field required.",
        ),
        ({"error": "Not here!"}, "Not here!"),
        ({"error": {"message": 5}}, "The server answered 400 (Bad Request)."),
        ({"detail": 5}, "The server answered 400 (Bad Request)."),
        ({}, "The server answered 400 (Bad Request)."),
        (["x"], "The server answered 400 (Bad Request)."),
        (None, "The server answered 400 (Bad Request)."),
    ],
)
def test_the_words_are_found_in_other_forms_too(document: object, message: str) -> None:
    assert str(status_error(new_trail(), answered(400, document))).startswith(f"{message} (GET")


def test_a_status_without_a_name_is_told_by_its_number() -> None:
    assert "answered 499 (unknown)" in str(status_error(new_trail(), answered(499)))


@pytest.mark.parametrize(
    "response",
    [
        answered(401, {"error": {"code": "token_expired", "message": "x"}}),
        answered(401, www_authenticate='Bearer error_description="The token has Expired"'),
    ],
)
def test_an_expired_token_is_told_from_a_wrong_one(response: WireResponse) -> None:
    assert type(status_error(new_trail(), response)) is errors.ApiTokenExpiredError


def test_what_a_server_says_becomes_one_short_line_without_secrets() -> None:
    trail = new_trail(secrets={"s3cret"})
    assert trail.shown("a\n\x1b[31mb\ts3cret\u202e") == "a [31mb [hidden]"
    assert len(trail.shown("x" * 1000)) == 300
