from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from starlette.testclient import TestClient

from dagy_server.database.schema import audit_log, runs
from dagy_server.services import Services
from dagy_types import RunStatus

_UNKNOWN = "zzzzzzzzzzzz"


def _trigger(client: TestClient, member: Any, **values: Any) -> Any:
    body = {"flow_name": "daily", **values}
    body = {name: value for name, value in body.items() if value is not ...}
    return client.post("/runs", json=body, headers=member.headers)


def _list(client: TestClient, member: Any, **query: Any) -> Any:
    return client.get("/runs", params=query, headers=member.headers).json()


def _set(services: Services, run_id: str, **values: Any) -> None:
    with services.database.writing() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))


def _count(services: Services) -> int:
    with services.database.reading() as connection:
        return len(connection.execute(select(runs.c.id)).all())


def test_a_run_is_queued_and_read_back(
    client: TestClient, owner: Any, new_flow: Callable[..., None]
) -> None:
    new_flow(owner)
    answer = _trigger(client, owner, parameters={"day": "2026-11-01", "n": [1, None, 2.5]})
    assert answer.status_code == 201
    document = answer.json()
    run_id = document["run_id"]
    assert len(run_id) == 12
    assert run_id[0].isalpha()
    assert run_id.islower()
    assert document == {
        "run_id": run_id,
        "flow_name": "daily",
        "flow_version": "1",
        "status": "QUEUED",
        "reason": None,
        "error": None,
        "created_at": "2026-11-01T12:00:00.000000Z",
        "started_at": None,
        "ended_at": None,
        "duration_seconds": None,
        "parameters": {"day": "2026-11-01", "n": [1, None, 2.5]},
        "source": None,
        "resumed_from": None,
        "environment": {},
    }
    assert client.get(f"/runs/{run_id}", headers=owner.headers).json() == document


def test_a_run_of_a_flow_is_of_the_version_that_is_named_or_else_of_the_newest(
    client: TestClient, owner: Any, new_flow: Callable[..., None], clock: Any
) -> None:
    for version in ("2", "1"):
        clock.advance(1)
        new_flow(owner, version=version)
    assert _trigger(client, owner).json()["flow_version"] == "1"
    assert _trigger(client, owner, flow_version="2").json()["flow_version"] == "2"


def test_a_run_of_a_deployment_has_its_version_and_its_parameters(
    client: TestClient, owner: Any, new_flow: Callable[..., None]
) -> None:
    new_flow(owner)
    new_flow(owner, version="2")
    body = {"deployment_name": "nightly", "flow_name": "daily", "flow_version": "1"}
    body |= {"parameters": {"a": 1, "b": 2}}
    client.post("/deployments", json=body, headers=owner.headers)
    answer = _trigger(
        client, owner, flow_name=..., deployment_name="nightly", parameters={"b": 3, "c": 4}
    ).json()
    assert answer["flow_version"] == "1"
    assert answer["parameters"] == {"a": 1, "b": 3, "c": 4}


def test_a_run_keeps_its_version_when_another_is_deployed_orch_17(
    client: TestClient, owner: Any, new_flow: Callable[..., None]
) -> None:
    new_flow(owner, deployment_name="nightly")
    run = _trigger(client, owner, flow_name=..., deployment_name="nightly").json()
    new_flow(owner, version="2", deployment_name="nightly")
    after = client.get(f"/runs/{run['run_id']}", headers=owner.headers).json()
    assert after == run
    assert after["flow_version"] == "1"


@pytest.mark.parametrize(
    "values",
    [
        {"flow_name": "x"},
        {"flow_version": "2"},
        {"flow_name": "x", "flow_version": "1"},
        {"flow_name": ..., "deployment_name": "x"},
    ],
)
def test_what_is_not_there_cannot_run(
    client: TestClient, owner: Any, new_flow: Callable[..., None], values: Any, services: Services
) -> None:
    new_flow(owner)
    assert _trigger(client, owner, **values).status_code == 404
    assert _count(services) == 0


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"flow_name": ...}, "body"),
        ({"deployment_name": "nightly"}, "body"),
        ({"flow_name": ..., "deployment_name": "nightly", "flow_version": "1"}, "body"),
        ({"flow_name": 5}, "body.flow_name"),
        ({"flow_name": "a/b"}, "body.flow_name"),
        ({"flow_version": ""}, "body.flow_version"),
        ({"deployment_name": {}}, "body.deployment_name"),
        ({"parameters": None}, "body.parameters"),
        ({"parameters": [1]}, "body.parameters"),
        ({"status": "SUCCEEDED"}, "body.status"),
        ({"organisation_id": "org_x"}, "body.organisation_id"),
        ({"resumed_from": "x"}, "body.resumed_from"),
        ({"id": "x"}, "body.id"),
    ],
)
def test_each_field_is_checked_sec_03(
    client: TestClient, owner: Any, services: Services, values: Any, path: str
) -> None:
    answer = _trigger(client, owner, **values)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == path
    assert _count(services) == 0


def test_the_same_key_again_is_the_same_run_http_02(
    client: TestClient, owner: Any, new_flow: Callable[..., None], services: Services
) -> None:
    new_flow(owner)
    headers = {**owner.headers, "Idempotency-Key": "k"}
    first = client.post("/runs", json={"flow_name": "daily"}, headers=headers)
    again = client.post("/runs", json={"flow_name": "daily"}, headers=headers)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(services) == 1


# Lists


@pytest.fixture
def many(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services, clock: Any
) -> list[str]:
    """Eight runs, the newest first: half of them failed, half of another flow."""
    made = []
    for number in range(8):
        clock.advance(1)
        run_id = new_run(owner, "daily" if number % 2 else "weekly")
        if number % 4 < 2:
            _set(services, run_id, status="FAILED", ended_at=clock())
        if number < 4:
            _set(services, run_id, deployment_name="nightly")
        made.append(run_id)
    return made[::-1]


def test_runs_are_listed_the_newest_first(client: TestClient, owner: Any, many: list[str]) -> None:
    page = _list(client, owner)
    assert [each["run_id"] for each in page["items"]] == many
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"status": "FAILED"}, [2, 3, 6, 7]),
        ({"status": "QUEUED"}, [0, 1, 4, 5]),
        ({"status": "RUNNING"}, []),
        ({"flow_name": "daily"}, [0, 2, 4, 6]),
        ({"deployment_name": "nightly"}, [4, 5, 6, 7]),
        ({"flow_name": "daily", "status": "FAILED"}, [2, 6]),
        ({"deployment_name": "nightly", "status": "FAILED", "flow_name": "weekly"}, [7]),
        ({"since": "2026-11-01T12:00:07Z"}, [0, 1]),
        ({"since": "2026-11-01T13:00:07+01:00", "status": "FAILED"}, []),
        ({"flow_name": ""}, []),
        ({"limit": "3"}, [0, 1, 2]),
        ({"order": "created"}, [7, 6, 5, 4, 3, 2, 1, 0]),
        ({"order": "created", "limit": "2", "status": "FAILED"}, [7, 6]),
        ({"order": "-started"}, []),
    ],
)
def test_filters_choose_runs(
    client: TestClient, owner: Any, many: list[str], query: Any, numbers: list[int]
) -> None:
    found = [each["run_id"] for each in _list(client, owner, **query)["items"]]
    assert found == [many[number] for number in numbers]


def test_runs_are_listed_by_their_start(
    client: TestClient, owner: Any, many: list[str], services: Services, clock: Any
) -> None:
    for number in (3, 0, 5):
        clock.advance(1)
        _set(services, many[number], status="RUNNING", started_at=clock())
    for order, numbers in (("started", [3, 0, 5]), ("-started", [5, 0, 3])):
        found = [each["run_id"] for each in _list(client, owner, order=order)["items"]]
        assert found == [many[number] for number in numbers]


@pytest.mark.parametrize("order", ["created", "-created"])
def test_a_list_goes_on_after_a_run(
    client: TestClient, owner: Any, many: list[str], order: str
) -> None:
    whole = [each["run_id"] for each in _list(client, owner, order=order)["items"]]
    for number, run_id in enumerate(whole):
        page = _list(client, owner, order=order, after=run_id, limit=2)
        assert [each["run_id"] for each in page["items"]] == whole[number + 1 :][:2]
        if page["next_cursor"]:
            rest = _list(client, owner, order=order, after=run_id, cursor=page["next_cursor"])
            assert [each["run_id"] for each in rest["items"]] == whole[number + 3 :]


def test_a_list_goes_on_after_no_run_that_it_does_not_have(
    client: TestClient, owner: Any, other_organisation: Any, many: list[str]
) -> None:
    for member, query in (
        (owner, {"after": "absent"}),
        (owner, {"after": many[0], "order": "started"}),
        (other_organisation, {"after": many[0]}),
    ):
        answer = client.get("/runs", params=query, headers=member.headers)
        assert answer.status_code == 404
        assert "cannot go on after" in answer.json()["error"]["message"]


def test_runs_are_found_by_the_beginning_of_their_ids_cli_29(
    client: TestClient, owner: Any, other_organisation: Any, many: list[str]
) -> None:
    for size in (6, 9, 12):
        page = _list(client, owner, id_prefix=many[2][:size])
        assert [each["run_id"] for each in page["items"]] == [many[2]]
    assert _list(client, owner, id_prefix=many[2] + "x")["items"] == []
    assert _list(client, other_organisation, id_prefix=many[2])["items"] == []
    answer = client.get("/runs", params={"id_prefix": many[2][:5]}, headers=owner.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 9])
@pytest.mark.parametrize(
    "query", [{}, {"status": "FAILED"}, {"flow_name": "daily"}, {"order": "created"}]
)
def test_pages_are_the_whole_list(
    client: TestClient, owner: Any, many: list[str], query: Any, limit: int
) -> None:
    whole = _list(client, owner, **query)["items"]
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = _list(client, owner, limit=limit, **query, **cursor)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == whole


@pytest.mark.parametrize(
    ("query", "status", "path"),
    [
        ({"status": "failed"}, 422, "query.status"),
        ({"since": "yesterday"}, 422, "query.since"),
        ({"since": "2026-11-01T00:00:00"}, 422, "query.since"),
        ({"since": "0001-01-01T00:00:00+23:00"}, 422, "query.since"),
        ({"limit": "0"}, 422, "query.limit"),
        ({"limit": "1001"}, 422, "query.limit"),
        ({"limit": "x"}, 422, "query.limit"),
        ({"flow_name": "x" * 201}, 422, "query.flow_name"),
        ({"cursor": "x" * 1025}, 422, "query.cursor"),
        ({"cursor": "x"}, 400, None),
        ({"cursor": ""}, 400, None),
        ({"cursor": "ä"}, 400, None),
    ],
)
def test_a_query_that_means_nothing_is_refused(
    client: TestClient, owner: Any, query: Any, status: int, path: str | None
) -> None:
    answer = client.get("/runs", params=query, headers=owner.headers)
    assert answer.status_code == status
    if path:
        assert answer.json()["error"]["fields"][0]["path"] == path


def test_a_cursor_is_good_for_its_own_list_alone(
    client: TestClient, owner: Any, other_organisation: Any, many: list[str]
) -> None:
    cursor = _list(client, owner, limit=1)["next_cursor"]
    for path, headers in (
        ("/flows", owner.headers),
        ("/deployments", owner.headers),
        (f"/runs/{many[0]}/tasks", owner.headers),
        (f"/runs/{many[0]}/logs", owner.headers),
        ("/runs", other_organisation.headers),
    ):
        answer = client.get(path, params={"cursor": cursor}, headers=headers)
        assert answer.status_code == 400, path
    for order in ("created", "started", "-started"):
        answer = client.get(
            "/runs", params={"cursor": cursor, "order": order}, headers=owner.headers
        )
        assert answer.status_code == 400, order
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    assert client.get("/runs", params={"cursor": changed}, headers=owner.headers).status_code == 400


_TEXT = st.text(max_size=20)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "flow_name": _TEXT,
            "deployment_name": _TEXT,
            "status": _TEXT,
            "since": _TEXT,
            "cursor": _TEXT,
            "limit": _TEXT,
        },
    )
)
def test_no_text_in_a_filter_does_more_than_filter_sec_09(
    client: TestClient, owner: Any, many: list[str], query: dict[str, str]
) -> None:
    answer = client.get("/runs", params=query, headers=owner.headers)
    assert answer.status_code in (200, 400, 404, 422)
    if answer.status_code == 200:
        found = [each["run_id"] for each in answer.json()["items"]]
        expected = [] if {"flow_name", "deployment_name"} & query.keys() else many
        assert found == expected[: int(query.get("limit", 50))]


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_paging_skips_and_repeats_nothing_while_the_list_changes_http_07(
    client: TestClient, owner: Any, new_flow: Callable[..., None], services: Services, data: Any
) -> None:
    new_flow(owner)
    with services.database.writing() as connection:
        connection.execute(delete(runs))
    draw = data.draw

    numbers = count()

    def add(moment: int) -> str:
        # Of runs at one moment, the ids decide on the order, so these are drawn, too.
        run_id = f"r{draw(st.integers(0, 9))}{next(numbers):010}"
        with services.database.writing() as connection:
            connection.execute(
                insert(runs).values(
                    id=run_id,
                    organisation_id=owner.organisation_id,
                    flow_name="daily",
                    flow_version="1",
                    status="QUEUED",
                    parameters={},
                    environment={},
                    created_at=moment,
                    created_by=owner.user_id,
                    log_count=0,
                )
            )
        return run_id

    moments = st.integers(1, 6)  # several runs at one moment
    untouched = {add(draw(moments)) for _ in range(draw(st.integers(0, 10)))}
    doomed = [add(draw(moments)) for _ in range(draw(st.integers(0, 6)))]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = _list(client, owner, limit=draw(st.integers(1, 4)), **cursor)
        found += [each["run_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        if draw(st.booleans()):
            add(draw(moments))
        if doomed and draw(st.booleans()):
            gone = doomed.pop(draw(st.integers(0, len(doomed) - 1)))
            with services.database.writing() as connection:
                connection.execute(delete(runs).where(runs.c.id == gone))
    assert len(found) == len(set(found))
    assert untouched <= set(found)


# Cancel and retry


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING"])
def test_a_run_under_way_is_cancelled(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services, status: str
) -> None:
    run_id = new_run(owner)
    _set(services, run_id, status=status)
    answer = client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    assert answer.status_code == 200
    assert answer.json()["status"] == "CANCELLED"
    assert answer.json()["ended_at"] == "2026-11-01T12:00:00.000000Z"


@pytest.mark.parametrize("status", [each for each in RunStatus if each.is_terminal])
def test_a_run_that_has_ended_stays_as_it_is(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services, status: str
) -> None:
    run_id = new_run(owner)
    _set(services, run_id, status=str(status))
    answer = client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    assert answer.status_code == 409
    assert (
        answer.json()["error"]["message"] == f"Run {run_id!r} is {status} and cannot be cancelled."
    )
    found = client.get(f"/runs/{run_id}", headers=owner.headers).json()
    assert (found["status"], found["ended_at"]) == (status, None)


def test_tasks_under_way_are_cancelled_with_their_run(
    client: TestClient, owner: Any, new_run: Callable[..., str]
) -> None:
    run_id = new_run(owner)
    path = f"/runs/{run_id}/tasks"
    client.put(f"{path}/load", json={"status": "RUNNING"}, headers=owner.headers)
    client.put(f"{path}/load", json={"status": "SUCCEEDED"}, headers=owner.headers)
    client.put(f"{path}/part", json={"status": "RUNNING"}, headers=owner.headers)
    client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    tasks = client.get(path, headers=owner.headers).json()["items"]
    assert [each["status"] for each in tasks] == ["SUCCEEDED", "CANCELLED", "PENDING", "PENDING"]
    assert tasks[1]["ended_at"] is not None


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_run_that_failed_is_tried_again(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services, status: str
) -> None:
    run_id = new_run(owner, parameters={"day": 1})
    _set(services, run_id, status=status, deployment_name="nightly")
    answer = client.post(f"/runs/{run_id}/retry", headers=owner.headers)
    assert answer.status_code == 201
    document = answer.json()
    assert document["run_id"] != run_id
    assert (document["status"], document["resumed_from"]) == ("QUEUED", run_id)
    assert document["parameters"] == {"day": 1}
    assert _list(client, owner, deployment_name="nightly", status="QUEUED")["items"] == [document]


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING", "SUCCEEDED"])
def test_a_run_that_did_not_fail_has_nothing_to_try_again(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services, status: str
) -> None:
    run_id = new_run(owner)
    _set(services, run_id, status=status)
    answer = client.post(f"/runs/{run_id}/retry", headers=owner.headers)
    assert answer.status_code == 409
    assert _count(services) == 1


def test_a_run_is_tried_again_by_one_run_at_a_time(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services
) -> None:
    run_id = new_run(owner)
    _set(services, run_id, status="FAILED")
    first = client.post(f"/runs/{run_id}/retry", headers=owner.headers).json()["run_id"]
    answer = client.post(f"/runs/{run_id}/retry", headers=owner.headers)
    assert answer.status_code == 409
    assert first in answer.json()["error"]["message"]
    client.post(f"/runs/{first}/cancel", headers=owner.headers)
    assert client.post(f"/runs/{run_id}/retry", headers=owner.headers).status_code == 201


@pytest.mark.parametrize(
    ("method", "action"), [("GET", ""), ("POST", "/cancel"), ("POST", "/retry")]
)
@pytest.mark.parametrize("run_id", [_UNKNOWN, "x" * 500, "%2e%2e", "'; DROP TABLE runs; --"])
def test_a_run_that_is_not_there_is_not_found(
    client: TestClient, owner: Any, method: str, action: str, run_id: str
) -> None:
    answer = client.request(method, f"/runs/{run_id}{action}", headers=owner.headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_each_change_is_audited_orch_20(
    client: TestClient, owner: Any, new_run: Callable[..., str], services: Services
) -> None:
    run_id = new_run(owner)
    client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    client.post(f"/runs/{run_id}/cancel", headers=owner.headers)  # changes nothing
    again = client.post(f"/runs/{run_id}/retry", headers=owner.headers).json()["run_id"]
    with services.database.reading() as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.id)).all()
    assert [(row.action, row.target) for row in rows[1:]] == [
        ("run.triggered", run_id),
        ("run.cancelled", run_id),
        ("run.retried", again),
    ]
