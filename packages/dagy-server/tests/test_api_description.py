"""What ``/openapi.json`` says is true of every route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dagy_server.app import ROUTERS
from dagy_server.permissions import Permission
from dagy_server.routing import PUBLIC

_DECLARATIONS = {each.operation: each for router in ROUTERS for each in router.declarations}


@pytest.fixture
def document(client: Any) -> Any:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def _operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_for_programs_is_described_and_no_page_is(document: Any) -> None:
    described = {(method, path) for method, path, _ in _operations(document)}
    listed = {(each.method, each.path) for each in _DECLARATIONS.values() if each.is_listed}
    assert described == listed
    assert not [path for _, path in described if path in ("/", "/sign-in", "/setup", "/device")]


def test_every_answer_with_a_body_has_a_schema(document: Any) -> None:
    for method, path, operation in _operations(document):
        for status, answer in operation["responses"].items():
            contents = answer.get("content", {})
            assert contents or int(status) in (200, 204, 206, 304), (method, path, status)
            for media, content in contents.items():
                assert content.get("schema") or media != "application/json", (method, path, status)


def test_every_error_is_described_by_one_schema(document: Any) -> None:
    oauth = ("/oauth/token", "/oauth/device_authorization", "/oauth/revoke")
    for method, path, operation in _operations(document):
        for status, answer in operation["responses"].items():
            if status[0] in "45" and path not in ("/ready", *oauth):
                schema = answer["content"]["application/json"]["schema"]
                assert schema["$ref"].endswith("/ErrorDocument"), (method, path, status)


def test_who_may_use_a_route_is_described(document: Any) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for _, path, operation in _operations(document):
        declaration = _DECLARATIONS[operation["operationId"]]
        if declaration.needs is PUBLIC:
            assert "security" not in operation, path
        else:
            assert operation["security"] == [{"bearer": []}], path
            assert "401" in operation["responses"], path
        if isinstance(declaration.needs, Permission):
            assert operation["x-permission"] == declaration.needs.value
            assert "403" in operation["responses"], path


def test_http_03_every_change_takes_an_idempotency_key(document: Any) -> None:
    for _, path, operation in _operations(document):
        declaration = _DECLARATIONS[operation["operationId"]]
        names = [each["name"] for each in operation.get("parameters", ())]
        is_keyed = declaration.audit is not None and declaration.needs is not PUBLIC
        assert ("Idempotency-Key" in names) is is_keyed, path


def test_every_operation_says_in_a_line_what_it_does(document: Any) -> None:
    for method, path, operation in _operations(document):
        assert operation["description"].splitlines()[0].endswith("."), (method, path)


def test_every_reference_leads_somewhere(document: Any) -> None:
    text = json.dumps(document)
    names = {each.partition('"')[0] for each in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


def test_operations_have_the_names_that_clients_know_them_by() -> None:
    # Those of dagy-client, by the published paths.
    expected = {
        "login": "POST /auth/login",
        "logout": "POST /auth/logout",
        "me": "GET /me",
        "users.me": "GET /users/me",
        "health": "GET /health",
        "flows.list": "GET /flows",
        "flows.register": "POST /flows",
        "flows.get": "GET /flows/{name}",
        "flows.get_version": "GET /flows/{name}/versions/{version}",
        "deployments.list": "GET /deployments",
        "deployments.create": "POST /deployments",
        "deployments.get": "GET /deployments/{name}",
        "runs.list": "GET /runs",
        "runs.trigger": "POST /runs",
        "runs.get": "GET /runs/{run_id}",
        "runs.cancel": "POST /runs/{run_id}/cancel",
        "runs.retry": "POST /runs/{run_id}/retry",
        "task_runs.list": "GET /runs/{run_id}/tasks",
        "runs.logs": "GET /runs/{run_id}/logs",
        "runs.append_logs": "POST /runs/{run_id}/logs",
        "artifacts.upload": "POST /artifacts",
        "artifacts.find": "GET /artifacts/by-sha256/{sha256}",
        "artifacts.download": "GET /artifacts/{artifact_id}",
        "api_keys.list": "GET /api-keys",
        "api_keys.create": "POST /api-keys",
        "api_keys.delete": "DELETE /api-keys/{key_id}",
    }
    found = {
        name: f"{each.method} {each.path}"
        for name, each in _DECLARATIONS.items()
        if name in expected
    }
    assert found == expected
