from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dagy_server import limits
from dagy_server.database.schema import audit_log, flows
from dagy_server.services import Services
from dagy_types import flow_spec_from_json, flow_spec_to_json

_SPEC: dict[str, Any] = {
    "name": "daily",
    "version": "1",
    "description": "What it does.",
    "tasks": [
        {"task_id": "load", "name": "load", "tags": {"b": "2", "a": "1"}},
        {"task_id": "save", "name": "save", "depends_on": ["load"], "code_hash": "abc"},
    ],
    "outputs": ["save"],
    "code_hash": "def",
    "tags": {"team": "data"},
}


def _register(client: TestClient, member: Any, **values: Any) -> Any:
    return client.post("/flows", json={"flow_spec": _SPEC, **values}, headers=member.headers)


def _rows(services: Services) -> list[Any]:
    with services.database.reading() as connection:
        return list(connection.execute(select(flows)))


def test_a_flow_is_registered_and_read_back(client: TestClient, owner: Any) -> None:
    answer = _register(client, owner, namespace="data/ingestion", tags={"env": "prod"})
    assert answer.status_code == 201
    document = answer.json()
    assert document == {
        "flow_name": "daily",
        "flow_version": "1",
        "namespace": "data/ingestion",
        "tags": {"env": "prod"},
        "status": "ACTIVE",
        "flow_spec": document["flow_spec"],
        "deployment_name": None,
        "artifact_id": None,
        "artifact_s3_uri": None,
        "org_id": owner.organisation_id,
        "created_at": "2026-11-01T12:00:00.000000Z",
    }
    spec = document["flow_spec"]
    assert spec["tasks"][0] == {
        "task_id": "load",
        "name": "load",
        "description": None,
        "depends_on": [],
        "is_mapped": False,
        "code_hash": None,
        "tags": {"a": "1", "b": "2"},
    }
    for path in ("/flows/daily", "/flows/daily/versions/1"):
        assert client.get(path, headers=owner.headers).json() == document


def test_the_graph_is_kept_in_its_one_spelling_and_hashed_orch_17(
    client: TestClient, owner: Any, services: Services
) -> None:
    answer = _register(client, owner)
    (row,) = _rows(services)
    spec = flow_spec_from_json(row.spec)
    assert row.spec == flow_spec_to_json(spec)
    assert row.content_hash == spec.content_hash
    assert answer.json()["tags"] == {"team": "data"}  # those of the graph, where none are given


def test_the_same_content_again_changes_nothing_orch_17(
    client: TestClient, owner: Any, services: Services, clock: Any
) -> None:
    first = _register(client, owner, namespace="a")
    before = _rows(services)
    clock.advance(60)
    for again in ({"namespace": "a"}, {}, {"tags": {"team": "data"}}):
        answer = _register(client, owner, **again)
        assert (answer.status_code, answer.json()) == (200, first.json())
    assert _rows(services) == before


def test_other_content_under_a_version_is_refused_orch_17(
    client: TestClient,
    owner: Any,
    services: Services,
    pack: Callable[..., Any],
    upload: Callable[..., str],
) -> None:
    one, two = pack(1), pack(2)
    first = {"flow_spec": one.flow_spec, "artifact_id": upload(owner, one.content)}
    assert _register(client, owner, **first, namespace="a").status_code == 201
    before = _rows(services)
    for other in (
        {"flow_spec": {**one.flow_spec, "code_hash": "other"}},
        {**first, "namespace": "b"},
        {"flow_spec": two.flow_spec, "artifact_id": upload(owner, two.content)},
    ):
        answer = _register(client, owner, **other)
        assert answer.status_code == 409
        assert "has a version '1' already, with another" in answer.json()["error"]["message"]
    assert _rows(services) == before


def test_tags_may_change(client: TestClient, owner: Any) -> None:
    _register(client, owner, tags={"a": "1"})
    assert _register(client, owner, tags={}).json()["tags"] == {"a": "1"}  # nothing said of them
    assert _register(client, owner, tags={"b": "2"}).json()["tags"] == {"b": "2"}
    assert client.get("/flows/daily", headers=owner.headers).json()["tags"] == {"b": "2"}


def test_a_flow_has_an_artifact_of_its_organisation(
    client: TestClient,
    owner: Any,
    other_organisation: Any,
    pack: Callable[..., Any],
    upload: Callable[..., str],
) -> None:
    packed = pack()
    body = {"flow_spec": packed.flow_spec, "artifact_id": upload(owner, packed.content)}
    assert _register(client, owner, **body).json()["artifact_id"] == body["artifact_id"]
    assert _register(client, other_organisation, **body).status_code == 404


def test_a_registration_deploys_when_a_deployment_is_named(
    client: TestClient, owner: Any, new_flow: Callable[..., None]
) -> None:
    answer = _register(client, owner, deployment_name="nightly", namespace="n")
    assert answer.json()["deployment_name"] == "nightly"
    body = {"deployment_name": "nightly", "flow_name": "daily", "flow_version": "1"}
    body |= {"parameters": {"day": 1}}
    client.post("/deployments", json=body, headers=owner.headers)
    new_flow(owner, version="2", deployment_name="nightly")
    document = client.get("/deployments/nightly", headers=owner.headers).json()
    assert (document["flow_version"], document["namespace"]) == ("2", "")
    assert document["parameters"] == {"day": 1}  # a registration says nothing of them


def test_to_deploy_needs_its_own_permission(
    client: TestClient, owner: Any, new_api_key: Callable[..., Any], services: Services
) -> None:
    key = new_api_key(owner, ("flows.write",))
    assert _register(client, key, deployment_name="nightly").status_code == 403
    assert _rows(services) == []
    assert _register(client, key).status_code == 201


def test_versions_are_listed_the_newest_first_without_their_graphs(
    client: TestClient, owner: Any, new_flow: Callable[..., None], clock: Any
) -> None:
    for name, version, namespace in (
        ("b", "1", "x"),
        ("a", "1", "x"),
        ("a", "2", "y"),
        ("a", "3", "x"),
    ):
        clock.advance(1)
        new_flow(owner, name, version, namespace=namespace)

    def listed(**query: Any) -> list[str]:
        page = client.get("/flows", params=query, headers=owner.headers).json()
        assert all(each["flow_spec"] is None for each in page["items"])
        return [f"{each['flow_name']}@{each['flow_version']}" for each in page["items"]]

    assert listed() == ["a@3", "a@2", "a@1", "b@1"]
    assert listed(flow_name="a") == ["a@3", "a@2", "a@1"]
    assert listed(namespace="x") == ["a@3", "a@1", "b@1"]
    assert listed(namespace="x", flow_name="a") == ["a@3", "a@1"]
    assert listed(flow_name="") == []
    assert client.get("/flows/a", headers=owner.headers).json()["flow_version"] == "3"


@pytest.mark.parametrize("query", [{}, {"flow_name": "daily"}])
def test_versions_of_the_same_moment_are_paged_through(
    client: TestClient, owner: Any, new_flow: Callable[..., None], query: dict[str, str]
) -> None:
    for number in range(5):
        new_flow(owner, version=str(number))
    found, cursor = [], None
    while True:
        params = {**query, "limit": 2, "cursor": cursor} if cursor else {**query, "limit": 2}
        page = client.get("/flows", params=params, headers=owner.headers).json()
        found += [each["flow_version"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("path", ["/flows/daily", "/flows/daily/versions/2", "/flows/x/versions/1"])
def test_what_is_not_there_is_not_found(client: TestClient, owner: Any, path: str) -> None:
    if path.endswith("2"):
        _register(client, owner)
    answer = client.get(path, headers=owner.headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "a/b"),
        ("name", ""),
        ("name", None),
        ("name", 5),
        ("version", ".."),
        ("version", None),
        ("description", "x" * (limits.DESCRIPTION_CHARACTERS + 1)),
        ("tasks", {}),
        ("tasks", None),
        ("tasks.0.task_id", ""),
        ("tasks.0.name", "a\nb"),
        ("tasks.0.depends_on", "load"),
        ("tasks.0.is_mapped", "yes"),
        ("tasks.0.code_hash", "x" * 129),
        ("tasks.0.tags", {"": "x"}),
        ("tasks.0.more", 1),
        ("outputs", [1]),
        ("code_hash", 5),
        ("tags", {"a": 1}),
        ("content_hash", "x"),
    ],
)
def test_each_field_of_a_graph_is_checked(
    client: TestClient, owner: Any, services: Services, path: str, value: Any
) -> None:
    spec: Any = {**_SPEC, "tasks": [dict(each) for each in _SPEC["tasks"]]}
    *parents, last = path.split(".")
    inner = spec
    for each in parents:
        inner = inner[int(each) if each.isdigit() else each]
    inner[last] = value
    answer = _register(client, owner, flow_spec=spec)
    assert answer.status_code == 422
    found = answer.json()["error"]["fields"][0]["path"]
    assert found.startswith(f"body.flow_spec.{path}")
    assert _rows(services) == []


@pytest.mark.parametrize(
    "tasks",
    [
        [{"task_id": "a b", "name": "a"}],
        [{"task_id": "a", "name": "a"}, {"task_id": "a", "name": "a"}],
        [{"task_id": "a", "name": "a", "depends_on": ["b"]}],
        [
            {"task_id": "a", "name": "a", "depends_on": ["b"]},
            {"task_id": "b", "name": "b", "depends_on": ["a"]},
        ],
    ],
)
def test_a_graph_that_is_none_is_refused(client: TestClient, owner: Any, tasks: Any) -> None:
    answer = _register(client, owner, flow_spec={"name": "daily", "tasks": tasks})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "flow_definition"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "body.flow_spec"),
        ({"flow_spec": None}, "body.flow_spec"),
        ({"flow_spec": _SPEC, "namespace": "a\nb"}, "body.namespace"),
        ({"flow_spec": _SPEC, "deployment_name": "a/b"}, "body.deployment_name"),
        ({"flow_spec": _SPEC, "tags": ["a"]}, "body.tags"),
        ({"flow_spec": _SPEC, "tags": None}, "body.tags"),
        ({"flow_spec": _SPEC, "artifact_id": 5}, "body.artifact_id"),
        ({"flow_spec": _SPEC, "org_id": "org_x"}, "body.org_id"),
        ({"flow_spec": _SPEC, "status": "INACTIVE"}, "body.status"),
        ([], "body"),
    ],
)
def test_each_field_of_a_registration_is_checked_sec_03(
    client: TestClient, owner: Any, body: Any, path: str
) -> None:
    answer = client.post("/flows", json=body, headers=owner.headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == path


def test_a_flow_has_only_so_many_tasks_sec_04(client: TestClient, owner: Any) -> None:
    tasks = [{"task_id": f"t{number}", "name": "t"} for number in range(limits.FLOW_TASKS)]
    assert _register(client, owner, flow_spec={"name": "large", "tasks": tasks}).status_code == 201
    tasks.append({"task_id": "one-more", "name": "t"})
    answer = _register(client, owner, flow_spec={"name": "larger", "tasks": tasks})
    assert answer.status_code == 422


def test_each_registration_is_audited_orch_20(
    client: TestClient, owner: Any, services: Services
) -> None:
    _register(client, owner, deployment_name="nightly")
    _register(client, owner)
    with services.database.reading() as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.id)).all()
    assert [(row.action, row.target, row.actor) for row in rows] == [
        ("flow.registered", "daily@1", owner.user_id)
    ] * 2
    assert [row.details["is_new"] for row in rows] == [True, False]
    assert rows[0].details["deployment_name"] == "nightly"
