from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from dagy_server.database.schema import audit_log, runs, work
from dagy_server.services import Services
from dagy_types import Role

_AT = "2026-11-01T12:00:00.000000Z"
_LATER = "2026-11-01T12:00:05.000000Z"
_SPEC = {
    "name": "elsewhere",
    "version": "7",
    "tasks": [{"task_id": "load", "name": "load"}, {"task_id": "save", "name": "save"}],
}
_PUSHED = {
    "flow_spec": _SPEC,
    "created_at": _AT,
    "parameters": {"day": "2026-11-01", "rate": 0.5},
    "source": "flows.py:elsewhere",
    "resumed_from": "anotherrun00",
    "environment": {"python": "3.12"},
}
_RUN_ID = "abcdefgh1234"


@pytest.fixture
def push(client: TestClient, owner: Any) -> Callable[..., Any]:
    def push(member: Any = owner, *, run_id: str = _RUN_ID, **changes: Any) -> Any:
        body = {**_PUSHED, **changes}
        return client.put(f"/runs/{run_id}", json=body, headers=member.headers)

    return push


def test_a_run_is_kept_with_all_that_it_began_with(
    push: Callable[..., Any], client: TestClient, owner: Any
) -> None:
    answer = push()
    assert answer.status_code == 201, answer.text
    document = answer.json()
    said = {name: value for name, value in _PUSHED.items() if name != "flow_spec"}
    assert {name: document[name] for name in said} == said
    assert (document["run_id"], document["status"]) == (_RUN_ID, "QUEUED")
    assert (document["flow_name"], document["flow_version"]) == ("elsewhere", "7")
    assert client.get(f"/runs/{_RUN_ID}", headers=owner.headers).json() == document
    graph = client.get(f"/runs/{_RUN_ID}/flow", headers=owner.headers).json()
    assert [each["task_id"] for each in graph["tasks"]] == ["load", "save"]
    assert client.get("/flows", headers=owner.headers).json()["items"] == []


def test_no_worker_gets_it(push: Callable[..., Any], services: Services) -> None:
    push()
    with services.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(work)).scalar() == 0


def test_the_same_again_is_the_same_run(push: Callable[..., Any], services: Services) -> None:
    first, second = push(), push()
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    with services.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(runs)).scalar() == 1
        rows = connection.execute(
            select(audit_log.c.target, audit_log.c.details).where(
                audit_log.c.action == "run.pushed"
            )
        ).all()
    assert [each.target for each in rows] == [_RUN_ID, _RUN_ID]
    assert [each.details["is_new"] for each in rows] == [True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": _LATER},
        {"parameters": {"day": "2026-11-02"}},
        {"source": None},
        {"resumed_from": None},
        {"environment": {"python": "3.13"}},
        {"flow_spec": {**_SPEC, "version": "8"}},
        {"flow_spec": {**_SPEC, "tasks": []}},
    ],
)
def test_another_run_of_the_same_id_is_refused(
    push: Callable[..., Any], client: TestClient, owner: Any, changes: Any
) -> None:
    before = push().json()
    answer = push(**changes)
    assert answer.status_code == 409
    assert "There is another run" in answer.json()["error"]["message"]
    assert client.get(f"/runs/{_RUN_ID}", headers=owner.headers).json() == before


def test_a_run_of_another_organisation_keeps_its_id(
    push: Callable[..., Any], client: TestClient, owner: Any, other_organisation: Any
) -> None:
    path = f"/runs/{_RUN_ID}"
    before = push().json()
    assert push(other_organisation).status_code == 409
    assert push(other_organisation, parameters={}).status_code == 409
    assert client.get(path, headers=owner.headers).json() == before
    assert client.get(path, headers=other_organisation.headers).status_code == 404


def test_a_run_that_the_server_executes_is_not_replaced(
    push: Callable[..., Any], new_run: Callable[..., str], owner: Any
) -> None:
    assert push(run_id=new_run(owner)).status_code == 409


@pytest.mark.parametrize("run_id", ["-a", "a" * 33, "a b", "a.b", "é"])
def test_an_id_is_a_short_word(push: Callable[..., Any], run_id: str) -> None:
    assert push(run_id=run_id).status_code == 422


def test_what_became_of_it_is_reported_as_of_any_run(
    push: Callable[..., Any], client: TestClient, owner: Any
) -> None:
    push()
    task = {"task_id": "load", "status": "SUCCEEDED", "attempt": 1, "started_at": _AT}
    report = {
        "started_at": _AT,
        "task_runs": [{**task, "ended_at": _LATER}],
        "logs": [{"at": _AT, "level": "INFO", "logger": "stdout", "message": "hello"}],
        "first_log": 1,
        "end": {"status": "SUCCEEDED", "ended_at": _LATER},
    }
    for _ in range(2):  # the same again changes nothing
        answer = client.post(f"/runs/{_RUN_ID}/progress", json=report, headers=owner.headers)
        assert answer.json() == {"status": "SUCCEEDED", "log_count": 1}, answer.text
        assert push().json()["status"] == "SUCCEEDED"
    document = client.get(f"/runs/{_RUN_ID}", headers=owner.headers).json()
    assert (document["started_at"], document["ended_at"]) == (_AT, _LATER)


def _cancel(client: TestClient, member: Any, run_id: str) -> None:
    answer = client.post(f"/runs/{run_id}/cancel", headers=member.headers)
    assert answer.status_code == 200, answer.text


def test_what_it_left_undone_is_not_done_here(
    push: Callable[..., Any], client: TestClient, owner: Any
) -> None:
    push()
    _cancel(client, owner, _RUN_ID)
    answer = client.post(f"/runs/{_RUN_ID}/retry", headers=owner.headers)
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["message"].startswith(f"Run {_RUN_ID!r} was not executed here")
    assert error["hint"] == "Resume it where it was executed, or trigger a new run."


def test_nor_when_its_flow_is_deployed_here_too(
    push: Callable[..., Any], client: TestClient, owner: Any, new_work: Callable[..., str]
) -> None:
    done_here = new_work(owner)
    spec = client.get(f"/runs/{done_here}/flow", headers=owner.headers).json()
    push(flow_spec=spec)
    for run_id, status in ((_RUN_ID, 409), (done_here, 201)):
        _cancel(client, owner, run_id)
        answer = client.post(f"/runs/{run_id}/retry", headers=owner.headers)
        assert answer.status_code == status, answer.text


def test_who_may_not_trigger_runs_may_not_push_them(
    push: Callable[..., Any], new_member: Callable[..., Any], owner: Any
) -> None:
    assert push(new_member(owner.organisation_id, Role.VIEWER)).status_code == 403
