"""What dagy-client asks for, this server has: the same paths, fields and statuses."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest

from dagy_server.app import build_app

operations = pytest.importorskip(
    "dagy_client._operations", reason="dagy-client is not installed beside this package"
)

_ELSEWHERE = {"schedule", "timezone", "artifact_s3_uri"}
"""Fields that other servers take: this one has no schedules, and reads its own storage alone."""


@pytest.fixture(scope="module")
def described() -> Any:
    return build_app().openapi()


def _route(described: Any, operation: Any) -> Any:
    return described["paths"][operation.path][operation.method.lower()]


def _resolved(described: Any, schema: Any) -> Any:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return described["components"]["schemas"][reference.rpartition("/")[2]]


@pytest.mark.parametrize("operation", operations.OPERATIONS, ids=lambda each: each.name)
def test_the_server_has_each_operation_of_the_client(described: Any, operation: Any) -> None:
    route = _route(described, operation)
    assert route["operationId"] == operation.name
    assert str(operation.status) in route["responses"]
    assert ("security" in route) is not operation.is_public


@pytest.mark.parametrize("operation", operations.OPERATIONS, ids=lambda each: each.name)
def test_each_filter_of_the_client_is_one_of_the_server(described: Any, operation: Any) -> None:
    route = _route(described, operation)
    query = {each["name"] for each in route.get("parameters", ()) if each["in"] == "query"}
    assert set(operation.query) <= query
    assert ({"limit", "cursor"} <= query) is operation.is_list


@pytest.mark.parametrize("operation", operations.OPERATIONS, ids=lambda each: each.name)
def test_each_field_that_the_client_sends_is_taken(described: Any, operation: Any) -> None:
    route = _route(described, operation)
    if operation.body is None:
        assert not route.get("requestBody", {}).get("required", False)
        return
    content = route["requestBody"]["content"]
    if operation.body is bytes:
        assert list(content) == ["application/octet-stream"]
        return
    sent = {each.name for each in fields(operation.body)} - _ELSEWHERE
    schema = _resolved(described, content["application/json"]["schema"])
    assert sent <= set(schema["properties"])
    required = set(schema.get("required", ()))
    assert required <= sent


@pytest.mark.parametrize("operation", operations.OPERATIONS, ids=lambda each: each.name)
def test_each_answer_has_the_fields_that_the_client_needs(described: Any, operation: Any) -> None:
    content = _route(described, operation)["responses"][str(operation.status)].get("content", {})
    if not is_dataclass(operation.answer):
        assert "application/json" not in content or operation.answer is bytes
        return
    schema = _resolved(described, content["application/json"]["schema"])
    if operation.is_list:
        assert set(schema["properties"]) == {"items", "next_cursor"}
        schema = _resolved(described, schema["properties"]["items"]["items"])
    needed = {each.name for each in fields(operation.answer) if each.default is MISSING}
    needed -= {
        each.name for each in fields(operation.answer) if each.default_factory is not MISSING
    }
    assert needed <= set(schema["properties"])


def test_events_are_offered_where_the_client_follows(described: Any) -> None:
    for operation in operations.OPERATIONS:
        content = _route(described, operation)["responses"][str(operation.status)].get(
            "content", {}
        )
        assert ("text/event-stream" in content) is operation.has_events
