from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dagy_server.database.schema import deployments
from dagy_server.services import Services

_BODY = {"deployment_name": "nightly", "flow_name": "daily", "flow_version": "1"}


@pytest.fixture(autouse=True)
def _flow(owner: Any, new_flow: Callable[..., None]) -> None:
    new_flow(owner, namespace="data")


def _make(client: TestClient, member: Any, **values: Any) -> Any:
    return client.post("/deployments", json={**_BODY, **values}, headers=member.headers)


def _rows(services: Services) -> list[Any]:
    with services.database.reading() as connection:
        return list(connection.execute(select(deployments)))


def test_a_deployment_is_made_and_read_back(client: TestClient, owner: Any) -> None:
    answer = _make(client, owner, tags={"a": "1"}, parameters={"day": [1, None]})
    assert answer.status_code == 201
    assert answer.json() == {
        "deployment_name": "nightly",
        "flow_name": "daily",
        "flow_version": "1",
        "namespace": "data",
        "tags": {"a": "1"},
        "schedule": None,
        "timezone": None,
        "parameters": {"day": [1, None]},
        "artifact_id": None,
        "created_at": "2026-11-01T12:00:00.000000Z",
        "updated_at": "2026-11-01T12:00:00.000000Z",
    }
    found = client.get("/deployments/nightly", headers=owner.headers)
    assert found.json() == answer.json()


def test_the_same_deployment_again_changes_nothing(
    client: TestClient, owner: Any, services: Services, clock: Any
) -> None:
    first = _make(client, owner)
    before = _rows(services)
    clock.advance(60)
    again = _make(client, owner)
    assert (again.status_code, again.json()) == (200, first.json())
    assert _rows(services) == before


def test_another_one_under_the_name_replaces_it(
    client: TestClient, owner: Any, clock: Any, new_flow: Callable[..., None]
) -> None:
    _make(client, owner, tags={"a": "1"}, parameters={"day": 1}, namespace="x")
    new_flow(owner, "weekly", "7")
    clock.advance(60)
    answer = _make(client, owner, flow_name="weekly", flow_version="7")
    assert answer.status_code == 200
    document = answer.json()
    assert (document["flow_name"], document["flow_version"]) == ("weekly", "7")
    assert (document["tags"], document["parameters"], document["namespace"]) == ({}, {}, "")
    assert document["created_at"] < document["updated_at"]


def test_a_deployment_may_have_a_namespace_of_its_own(client: TestClient, owner: Any) -> None:
    assert _make(client, owner, namespace="").json()["namespace"] == ""


def test_an_artifact_of_its_own_is_one_of_the_organisation_with_the_same_flow(
    client: TestClient,
    owner: Any,
    other_organisation: Any,
    pack: Callable[..., Any],
    upload: Callable[..., str],
) -> None:
    packed = pack()
    for member in (owner, other_organisation):
        client.post("/flows", json={"flow_spec": packed.flow_spec}, headers=member.headers)
    artifact = upload(owner, packed.content)
    body = {"deployment_name": "nightly", "flow_name": "packed", "flow_version": "1"}
    body |= {"artifact_id": artifact}
    answer = client.post("/deployments", json=body, headers=owner.headers)
    assert (answer.status_code, answer.json()["artifact_id"]) == (201, artifact)
    answer = client.post("/deployments", json=body, headers=other_organisation.headers)
    assert answer.status_code == 404
    assert _make(client, owner, artifact_id=artifact).status_code == 422  # of another flow


def test_a_deployment_has_a_version_that_is_there(
    client: TestClient, owner: Any, other_organisation: Any, services: Services
) -> None:
    assert _make(client, owner, flow_version="2").status_code == 404
    assert _make(client, owner, flow_name="x").status_code == 404
    assert _make(client, other_organisation).status_code == 404
    assert _rows(services) == []


def test_deployments_are_listed_the_newest_first(
    client: TestClient, owner: Any, clock: Any, new_flow: Callable[..., None]
) -> None:
    new_flow(owner, "weekly")
    for name, flow, namespace in (("a", "daily", "x"), ("b", "weekly", "x"), ("c", "daily", "y")):
        clock.advance(1)
        _make(client, owner, deployment_name=name, flow_name=flow, namespace=namespace)

    def listed(**query: Any) -> list[str]:
        page = client.get("/deployments", params=query, headers=owner.headers).json()
        return [each["deployment_name"] for each in page["items"]]

    assert listed() == ["c", "b", "a"]
    assert listed(flow_name="daily") == ["c", "a"]
    assert listed(namespace="x") == ["b", "a"]
    assert listed(flow_name="daily", namespace="x") == ["a"]
    assert listed(limit=1) == ["c"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("deployment_name", None),
        ("deployment_name", "a/b"),
        ("deployment_name", "x" * 201),
        ("flow_name", None),
        ("flow_name", ""),
        ("flow_version", None),
        ("flow_version", 1),
        ("namespace", 5),
        ("tags", None),
        ("parameters", []),
        ("artifact_id", ""),
        ("schedule", "0 0 * * *"),
        ("timezone", "UTC"),
        ("id", "dep_x"),
        ("organisation_id", "org_x"),
        ("created_at", 5),
    ],
)
def test_each_field_is_checked_sec_03(
    client: TestClient, owner: Any, services: Services, field: str, value: Any
) -> None:
    answer = _make(client, owner, **{field: value})
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == f"body.{field}"
    assert _rows(services) == []


@pytest.mark.parametrize("field", ["deployment_name", "flow_name"])
def test_what_has_no_default_must_be_there(client: TestClient, owner: Any, field: str) -> None:
    body = {name: value for name, value in _BODY.items() if name != field}
    answer = client.post("/deployments", json=body, headers=owner.headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == f"body.{field}"
