from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.responses import Response

from dagy_server.database.schema import audit_log, organisations
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.services import Services
from dagy_server.transactions import (
    Answer,
    Call,
    Change,
    Document,
    Result,
    View,
    json_response,
    to_response,
)


def _change(change: Change, action: str) -> None:
    organisation = {"id": "org_new", "name": "New", "created_at": change.now}
    change.connection.execute(organisations.insert().values(organisation))
    change.audit("org_new", action=action, details={"why": "a test"})


@pytest.fixture(scope="module")
def extra_routers() -> tuple[Router, ...]:
    router = Router("test")

    def declare(path: str) -> Any:
        return route(
            router, "POST", path, needs=Permission.RUNS_READ, operation=path, audit="test.done"
        )

    @declare("/test/twice")
    def twice(change: Change) -> Document:
        _change(change, "test.once")
        change.audit("again")
        return {}

    @declare("/test/fails")
    def fails(change: Change) -> Document:
        _change(change, "test.fails")
        raise ZeroDivisionError

    @declare("/test/unsendable")
    def unsendable(change: Change) -> Document:
        _change(change, "test.unsendable")
        return {"number": float("nan")}

    @declare("/test/later")
    async def later(call: Call) -> Response:
        def work(change: Change) -> Result:
            assert change.services is call.services
            assert change.caller is call.caller
            _change(change, "test.later")
            return Answer({"done": True}, status=202, headers={"X-Extra": "yes"})

        return await call.change_async(work, fingerprint=b"what was streamed")

    @route(router, "GET", "/test/view", needs=Permission.RUNS_READ, operation="view")
    def view(view: View) -> Document:
        assert view.services.clock() == view.now
        return {"organisation": view.caller.organisation_id}

    return (router,)


def _count(services: Services) -> tuple[int, int]:
    with services.database.reading() as connection:
        new = select(func.count()).where(organisations.c.id == "org_new")
        audited = select(func.count()).select_from(audit_log)
        return connection.scalar(new) or 0, connection.scalar(audited) or 0


@pytest.mark.parametrize("name", ["twice", "fails", "unsendable"])
def test_orch_20_a_change_that_fails_leaves_neither_itself_nor_its_audit_row(
    client: Any, services: Services, owner: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.post(f"/test/{name}", headers=owner.headers).status_code == 500
    assert _count(services) == (0, 0)
    caplog.clear()


def test_a_coroutine_changes_things_once_for_each_key(
    client: Any, services: Services, owner: Any
) -> None:
    headers = {**owner.headers, "Idempotency-Key": "k1"}
    first, again = (client.post("/test/later", headers=headers) for _ in range(2))
    assert (first.status_code, first.json()) == (202, {"done": True})
    assert first.headers["X-Extra"] == "yes"
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(services) == (1, 1)


def test_the_row_says_who_what_when_and_why(
    client: Any, services: Services, owner: Any, clock: Any
) -> None:
    client.post("/test/later", headers={**owner.headers, "X-Request-ID": "req-7"})
    with services.database.reading() as connection:
        row = connection.execute(select(audit_log)).one()
    assert (row.actor, row.organisation_id) == (owner.user_id, owner.organisation_id)
    assert (row.action, row.target, row.details) == ("test.later", "org_new", {"why": "a test"})
    assert (row.at, row.request_id) == (clock(), "req-7")


def test_a_view_has_the_caller_and_the_time(client: Any, owner: Any) -> None:
    answer = client.get("/test/view", headers=owner.headers)
    assert answer.json() == {"organisation": owner.organisation_id}


def test_what_a_handler_returns_becomes_an_answer() -> None:
    assert to_response(None, 200).status_code == 204
    assert to_response({"a": 1}, 201).status_code == 201
    assert bytes(to_response({"a": "é"}, 200).body) == '{"a":"é"}'.encode()
    given = Response("x", 418)
    assert to_response(given, 200) is given
    assert to_response(Answer(None, status=202), 200).status_code == 202
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_response({"a": float("inf")})
    assert json.loads(bytes(json_response({}).body)) == {}
