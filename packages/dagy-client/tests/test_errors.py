from __future__ import annotations

import pickle
import re

import pytest

import dagy_types.errors
from dagy_client import ApiErrorDetails, errors
from dagy_client.errors import ApiError

DETAILS = ApiErrorDetails(
    method="GET",
    path="/runs/{run_id}",
    status=404,
    code="run_not_found",
    message="No such run.",
    request_id="req_1",
    attempts=2,
    elapsed_seconds=1.5,
    retry_after_seconds=7.0,
)


def all_errors() -> list[type[ApiError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, ApiError)
    ]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"^([ │├└─]*)(Api\w*Error)(?: +(\w+Error))?", errors.__doc__, re.MULTILINE)
    path: list[tuple[int, type]] = []
    for branch, name, base in drawn:
        while path and path[-1][0] >= len(branch):
            path.pop()
        error = getattr(errors, name)
        if path:
            assert error.__base__ is path[-1][1]
            assert issubclass(error, getattr(dagy_types.errors, base))
        path.append((len(branch), error))
    assert {name for _, name, _ in drawn} == {error.__name__ for error in all_errors()}


@pytest.mark.parametrize("kind", all_errors())
def test_an_error_survives_a_pickle(kind: type[ApiError]) -> None:
    """HTTP-05."""
    error = kind("No such run.", hint="List them.", details=DETAILS)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert (str(twin), twin.hint, twin.details) == ("No such run.", "List them.", DETAILS)
    with pytest.raises(kind):
        raise twin


def test_an_error_has_the_code_of_its_kind() -> None:
    assert errors.ApiNotFoundError("x").code == "not_found"
    assert errors.ApiTokenExpiredError("x").code == "token_expired"
    assert errors.ApiRateLimitedError("x").code == "network"


def test_the_most_wanted_details_are_at_hand() -> None:
    error = errors.ApiNotFoundError("x", details=DETAILS)
    assert (error.status, error.request_id) == (404, "req_1")
    assert errors.ApiError("x").status is None
