from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from dagy_server.app import ROUTERS
from dagy_server.error_answers import answer_error
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.services import Services
from dagy_server.transactions import Change, Document, View
from dagy_types.errors import ConfigError, StoreError


def _answer(error: Exception, path: str = "/runs") -> tuple[int, Any, Any]:
    answer = answer_error(error, path=path, request_id="req_1")
    return answer.status_code, json.loads(bytes(answer.body)), answer.headers


@pytest.fixture(scope="module")
def extra_routers() -> tuple[Router, ...]:
    router = Router("faults")

    @route(router, "GET", "/fault", needs=Permission.RUNS_READ, operation="fault")
    def fault(view: View) -> Document:
        raise ZeroDivisionError("secret of the insides")

    @route(router, "GET", "/sql", needs=Permission.RUNS_READ, operation="sql")
    def sql(view: View) -> Document:
        view.connection.exec_driver_sql("SELECT secret FROM nowhere")
        return {}

    @route(router, "POST", "/silent", needs=Permission.RUNS_READ, operation="silent", audit="x")
    def silent(change: Change) -> Document:
        return {}

    return (router,)


@pytest.mark.parametrize(("path", "status"), [("/fault", 500), ("/sql", 503)])
def test_sec_24_a_fault_is_in_the_log_under_the_id_that_the_answer_has(
    client: Any, owner: Any, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    answer = client.get(path, headers=owner.headers)
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert "nowhere" not in answer.text
    request_id = answer.json()["error"]["request_id"]
    assert answer.headers["X-Request-ID"] == request_id
    (record,) = caplog.records
    assert request_id in record.getMessage()
    assert "secret" in (record.exc_text or str(record.exc_info))
    caplog.clear()


def test_orch_20_a_change_without_a_row_in_the_audit_log_is_a_fault_and_undone(
    client: Any, owner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.post("/silent", headers=owner.headers).status_code == 500
    assert "is not audited" in str(caplog.records[0].exc_info)
    caplog.clear()


def test_a_busy_database_asks_to_come_again(
    client: Any, owner: Any, busy: Any, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    with busy():
        answer = client.post("/api-keys", json={"name": "x"}, headers=owner.headers)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "store_busy"
    assert answer.headers["Retry-After"] == "1"
    assert client.get("/api-keys", headers=owner.headers).json()["items"] == []
    caplog.clear()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("PUT", "/runs", 405, "method"),
        ("HEAD", "/me", 405, ""),
        ("OPTIONS", "/me", 405, "method"),
        ("GET", "/runs/a%00b", 404, "not_found"),
        ("GET", "/runs?flow_name=a%00b", 422, "invalid_fields"),
    ],
)
def test_what_does_not_exist_has_the_same_form_of_answer(
    client: Any, owner: Any, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path, headers=owner.headers)
    assert answer.status_code == status
    if method != "HEAD":
        assert answer.json()["error"]["code"] == code
    if status == 405:
        allowed = {"/runs": "GET, POST", "/me": "GET"}
        assert answer.headers["Allow"] == allowed[path]


def test_a_refusal_of_the_framework_gets_our_words() -> None:
    status, document, _ = _answer(HTTPException(400, "inner words"))
    assert (status, document["error"]["code"]) == (400, "usage")
    assert "inner" not in str(document)


@pytest.mark.parametrize(
    ("error", "status"), [(HTTPException(502), 500), (ConfigError("at /etc/x"), 500)]
)
def test_an_error_that_is_not_the_senders_says_no_more(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    found, document, _ = _answer(error)
    assert found == status
    assert document["error"]["message"] == "The server failed to answer."
    caplog.clear()


def test_people_get_a_page(caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_error(StoreError("The disk is full."), path="/sign-in", request_id="req_1")
    assert answer.status_code == 503
    assert answer.media_type == "text/html"
    assert b"The disk is full" in bytes(answer.body)
    caplog.clear()


def test_the_names_of_these_routes_are_not_taken() -> None:
    paths = {each.path for router in ROUTERS for each in router.declarations}
    assert paths.isdisjoint({"/fault", "/sql", "/silent"})
