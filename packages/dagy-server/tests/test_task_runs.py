from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dagy_server.database.schema import audit_log, task_runs
from dagy_server.services import Services

_AT = "2026-11-01T12:00:00.000000Z"


@pytest.fixture
def run_id(owner: Any, new_run: Callable[..., str]) -> str:
    return new_run(owner)


@pytest.fixture
def report(client: TestClient, owner: Any, run_id: str) -> Callable[..., Any]:
    def report(task_id: str, status: str, **values: Any) -> Any:
        path = f"/runs/{run_id}/tasks/{task_id}"
        return client.put(path, json={"status": status, **values}, headers=owner.headers)

    return report


@pytest.fixture
def tasks(client: TestClient, owner: Any, run_id: str) -> Callable[..., list[Any]]:
    def tasks(**query: Any) -> list[Any]:
        found: list[Any] = []
        while True:
            page = client.get(f"/runs/{run_id}/tasks", params=query, headers=owner.headers).json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    return tasks


def test_tasks_that_have_not_started_are_listed(
    tasks: Callable[..., list[Any]], run_id: str
) -> None:
    found = tasks()
    assert [each["task_id"] for each in found] == ["load", "part", "save", "save-2"]
    assert found[1] == {
        "run_id": run_id,
        "task_id": "part",
        "name": "part",
        "status": "PENDING",
        "attempt": 0,
        "depends_on": ["load"],
        "started_at": None,
        "ended_at": None,
        "duration_seconds": None,
        "error": None,
        "output_bytes": None,
        "map_size": None,
        "origin": None,
    }


def test_a_report_is_answered_with_the_task_and_kept(
    report: Callable[..., Any], tasks: Callable[..., list[Any]], clock: Any
) -> None:
    answer = report("load", "RUNNING")
    assert answer.status_code == 200
    assert (answer.json()["attempt"], answer.json()["started_at"]) == (1, _AT)
    assert tasks()[0] == answer.json()
    clock.advance(2)
    answer = report("load", "SUCCEEDED", output_bytes=17)
    assert answer.json()["duration_seconds"] == 2.0
    assert tasks()[0] == answer.json()


def test_times_may_be_those_of_the_worker(report: Callable[..., Any]) -> None:
    report("load", "RUNNING", attempt=1, started_at="2026-10-31T23:00:00-01:00")
    document = report("load", "FAILED", ended_at="2026-11-01T00:00:01.5Z", error="no disk").json()
    assert document["started_at"] == "2026-11-01T00:00:00.000000Z"
    assert document["ended_at"] == "2026-11-01T00:00:01.500000Z"
    assert (document["error"], document["duration_seconds"]) == ("no disk", 1.5)


def test_the_first_report_makes_the_run_running(
    client: TestClient, owner: Any, run_id: str, report: Callable[..., Any], clock: Any
) -> None:
    clock.advance(1)
    report("load", "RUNNING")
    clock.advance(1)
    report("part", "RUNNING")
    run = client.get(f"/runs/{run_id}", headers=owner.headers).json()
    assert (run["status"], run["started_at"]) == ("RUNNING", "2026-11-01T12:00:01.000000Z")


def test_the_same_report_again_changes_nothing(
    report: Callable[..., Any], services: Services, clock: Any
) -> None:
    report("load", "RUNNING", attempt=1)
    first = report("load", "FAILED", attempt=1, error="x")
    clock.advance(9)
    assert report("load", "FAILED", attempt=1, error="x").json() == first.json()
    assert report("load", "FAILED", attempt=1, error="y").status_code == 409


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ([], "SUCCEEDED"),
        ([], "FAILED"),
        ([], "TIMED_OUT"),
        (["RUNNING"], "PENDING"),
        (["RUNNING"], "SKIPPED"),
        (["RUNNING", "SUCCEEDED"], "RUNNING"),
        (["RUNNING", "FAILED"], "SUCCEEDED"),
        (["SKIPPED"], "RUNNING"),
        (["CANCELLED"], "RUNNING"),
    ],
)
def test_a_status_that_may_not_follow_is_refused(
    report: Callable[..., Any], tasks: Callable[..., list[Any]], steps: list[str], refused: str
) -> None:
    for step in steps:
        assert report("load", step).status_code == 200
    before = tasks()
    assert report("load", refused).status_code == 409
    assert tasks() == before


def test_children_are_listed_after_their_mapped_task(
    report: Callable[..., Any], tasks: Callable[..., list[Any]]
) -> None:
    assert report("part[0]", "RUNNING").status_code == 409
    report("part", "RUNNING", map_size=3)
    assert report("part[1]", "RUNNING").status_code == 200
    assert report("part[3]", "RUNNING").status_code == 404
    ids = [each["task_id"] for each in tasks()]
    assert ids == ["load", "part", "part[0]", "part[1]", "part[2]", "save", "save-2"]
    assert [each["status"] for each in tasks()][1:5] == ["RUNNING", "PENDING", "RUNNING", "PENDING"]
    report("part", "FAILED")
    assert report("part[2]", "RUNNING").status_code == 409


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_are_the_whole_list(
    report: Callable[..., Any], tasks: Callable[..., list[Any]], limit: int
) -> None:
    report("part", "RUNNING", map_size=3)
    assert tasks(limit=limit) == tasks()


def test_a_list_of_a_flow_without_tasks_is_empty(
    client: TestClient, owner: Any, new_flow: Callable[..., None]
) -> None:
    client.post("/flows", json={"flow_spec": {"name": "empty"}}, headers=owner.headers)
    run = client.post("/runs", json={"flow_name": "empty"}, headers=owner.headers).json()
    page = client.get(f"/runs/{run['run_id']}/tasks", headers=owner.headers).json()
    assert page == {"items": [], "next_cursor": None}


def test_tasks_of_a_run_that_has_ended_do_not_change(
    client: TestClient, owner: Any, run_id: str, report: Callable[..., Any]
) -> None:
    report("load", "RUNNING")
    cancelled = client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    assert cancelled.json()["status"] == "CANCELLED"
    answer = report("part", "RUNNING")
    assert answer.status_code == 409
    assert "is CANCELLED" in answer.json()["error"]["message"]
    assert report("load", "CANCELLED").status_code == 200  # which it is: nothing changes


def test_an_output_that_another_run_made_is_reused(
    client: TestClient,
    owner: Any,
    other_organisation: Any,
    run_id: str,
    report: Callable[..., Any],
    new_run: Callable[..., str],
) -> None:
    report("load", "RUNNING")
    origin = {"run_id": run_id, "task_id": "load", "reason": "resumed"}
    body = {"status": "SUCCEEDED", "origin": origin}
    later = f"/runs/{new_run(owner)}/tasks/load"
    assert client.put(later, json=body, headers=owner.headers).status_code == 409  # not made yet
    report("load", "SUCCEEDED")
    answer = client.put(later, json=body, headers=owner.headers)
    assert answer.status_code == 200
    assert answer.json()["origin"] == origin
    assert client.put(later, json=body, headers=owner.headers).json() == answer.json()
    foreign = f"/runs/{new_run(other_organisation)}/tasks/load"
    answer = client.put(foreign, json=body, headers=other_organisation.headers)
    assert answer.status_code == 404
    body["origin"] = {**origin, "task_id": "x"}
    third = f"/runs/{new_run(owner)}/tasks/load"
    assert client.put(third, json=body, headers=owner.headers).status_code == 404


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"status": "DONE"}, "body.status"),
        ({"status": None}, "body.status"),
        ({"attempt": -1}, "body.attempt"),
        ({"attempt": True}, "body.attempt"),
        ({"attempt": "1"}, "body.attempt"),
        ({"attempt": 2**31}, "body.attempt"),
        ({"started_at": 5}, "body.started_at"),
        ({"started_at": "2026-11-01"}, "body.started_at"),
        ({"ended_at": "2026-11-01T00:00:00Z"}, "body"),
        ({"error": 5}, "body.error"),
        ({"error": "x" * 65537}, "body"),
        ({"output_bytes": 2**63}, "body.output_bytes"),
        ({"output_bytes": 1.5}, "body.output_bytes"),
        ({"map_size": -1}, "body.map_size"),
        ({"origin": {}}, "body.origin.run_id"),
        (
            {"origin": {"run_id": "a", "task_id": "b", "reason": "liked"}},
            "body.origin.reason",
        ),
        ({"run_id": "x"}, "body.run_id"),
        ({"name": "x"}, "body.name"),
    ],
)
def test_each_field_is_checked_sec_03(
    report: Callable[..., Any], services: Services, values: Any, path: str
) -> None:
    answer = report("load", **{"status": "RUNNING", **values})
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"].startswith(path)
    with services.database.reading() as connection:
        assert connection.execute(select(task_runs)).all() == []


def test_a_body_must_be_there(client: TestClient, owner: Any, run_id: str) -> None:
    answer = client.put(f"/runs/{run_id}/tasks/load", headers=owner.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("task_id", ["x", "load[0]", "part[00]", "x" * 300])
def test_a_task_that_is_not_there_is_not_found(report: Callable[..., Any], task_id: str) -> None:
    assert report(task_id, "RUNNING").status_code == 404


def test_to_read_is_not_to_report_and_each_report_is_audited_orch_20(
    client: TestClient, viewer: Any, run_id: str, report: Callable[..., Any], services: Services
) -> None:
    path = f"/runs/{run_id}/tasks"
    assert client.get(path, headers=viewer.headers).status_code == 200
    answer = client.put(f"{path}/load", json={"status": "RUNNING"}, headers=viewer.headers)
    assert answer.status_code == 403
    report("load", "RUNNING")
    with services.database.reading() as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.id)).all()
    assert (rows[-1].action, rows[-1].target) == ("task_run.reported", f"{run_id}/load")
    assert rows[-1].details == {"was": "PENDING", "is": "RUNNING"}
