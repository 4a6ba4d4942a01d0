"""Two organisations with the same things: to each, the other's are not there (SEC-02)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

_UNKNOWN = {
    "run_id": "zzzzzzzzzzzz",
    "artifact_id": "art_zzzzzzzzzzzzzzzzzzzz",
    "flow": "zzzz",
    "deployment": "zzzzzzz",
}
_LINE = {"at": "2026-11-01T12:00:00Z", "level": "INFO", "logger": "a", "message": "secret"}
_SPEC: dict[str, Any] = {"name": "ours", "tasks": [{"task_id": "load", "name": "load"}]}


@pytest.fixture
def theirs(client: TestClient, owner: Any, new_run: Callable[..., str]) -> dict[str, str]:
    """The ids of one thing of each kind that the first organisation has."""
    run_id = new_run(owner)
    headers = owner.headers
    client.put(f"/runs/{run_id}/tasks/load", json={"status": "RUNNING"}, headers=headers)
    client.put(f"/runs/{run_id}/tasks/load", json={"status": "SUCCEEDED"}, headers=headers)
    client.post(f"/runs/{run_id}/logs", json={"records": [_LINE]}, headers=headers)
    body = {"deployment_name": "nightly", "flow_name": "daily", "flow_version": "1"}
    client.post("/deployments", json=body, headers=headers)
    digest = hashlib.sha256(b"secret").hexdigest()
    upload = client.post(
        "/artifacts", content=b"secret", headers={**headers, "X-Content-SHA256": digest}
    )
    artifact_id = upload.json()["artifact_id"]
    return {"run_id": run_id, "artifact_id": artifact_id, "flow": "daily", "deployment": "nightly"}


_REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/flows/{flow}", None),
    ("GET", "/flows/{flow}/versions/1", None),
    ("GET", "/deployments/{deployment}", None),
    ("GET", "/runs/{run_id}", None),
    ("POST", "/runs/{run_id}/cancel", None),
    ("POST", "/runs/{run_id}/retry", None),
    ("GET", "/runs/{run_id}/tasks", None),
    ("PUT", "/runs/{run_id}/tasks/load", {"status": "FAILED"}),
    ("PUT", "/runs/{run_id}/tasks/unknown", {"status": "FAILED"}),
    ("GET", "/runs/{run_id}/logs", None),
    ("GET", "/runs/{run_id}/logs?task=load", None),
    ("POST", "/runs/{run_id}/logs", {"records": [_LINE]}),
    ("GET", "/artifacts/{artifact_id}", None),
    ("GET", f"/artifacts/by-sha256/{hashlib.sha256(b'secret').hexdigest()}", None),
    ("POST", "/runs", {"flow_name": "{flow}"}),
    ("POST", "/runs", {"flow_name": "{flow}", "flow_version": "1"}),
    ("POST", "/runs", {"deployment_name": "{deployment}"}),
    ("POST", "/deployments", {"deployment_name": "a", "flow_name": "{flow}", "flow_version": "1"}),
    (
        "POST",
        "/deployments",
        {"deployment_name": "a", "flow_name": "ours", "artifact_id": "{artifact_id}"},
    ),
    ("POST", "/flows", {"flow_spec": _SPEC, "artifact_id": "{artifact_id}"}),
    (
        "PUT",
        "/runs/{own_run_id}/tasks/load",
        {
            "status": "SUCCEEDED",
            "origin": {"run_id": "{run_id}", "task_id": "load", "reason": "cached"},
        },
    ),
]


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str) and "{" in value:
        return value.format_map(ids)
    if isinstance(value, dict):
        return {key: _filled(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, ids) for each in value]
    return value


def _answer(client: TestClient, member: Any, request: tuple[str, str, Any], ids: Any) -> Any:
    method, path, body = request
    options = {} if body is None else {"json": _filled(body, ids)}
    headers = {**member.headers, "X-Request-ID": "same"}
    return client.request(method, _filled(path, ids), headers=headers, **options)


def _own_run(client: TestClient, member: Any) -> str:
    client.post("/flows", json={"flow_spec": _SPEC}, headers=member.headers)
    answer = client.post("/runs", json={"flow_name": "ours"}, headers=member.headers)
    return str(answer.json()["run_id"])


@pytest.mark.parametrize("request_", _REQUESTS, ids=lambda each: f"{each[0]} {each[1]}")
def test_a_thing_of_another_organisation_is_as_one_that_is_not_there_sec_02(
    client: TestClient,
    owner: Any,
    other_organisation: Any,
    theirs: dict[str, str],
    request_: tuple[str, str, Any],
) -> None:
    own = {"own_run_id": _own_run(client, other_organisation)}
    found = _answer(client, other_organisation, request_, {**theirs, **own})
    missing = _answer(client, other_organisation, request_, {**_UNKNOWN, **own})
    assert found.status_code == missing.status_code == 404
    text = found.text
    for name, value in theirs.items():
        text = text.replace(value, _UNKNOWN[name])
    assert text == missing.text
    assert sorted(found.headers) == sorted(missing.headers)


def test_what_another_organisation_tried_has_changed_nothing_sec_02(
    client: TestClient, owner: Any, other_organisation: Any, theirs: dict[str, str]
) -> None:
    own = {"own_run_id": _own_run(client, other_organisation)}
    paths = (f"/runs/{theirs['run_id']}", f"/runs/{theirs['run_id']}/tasks", "/flows", "/runs")
    before = [client.get(path, headers=owner.headers).json() for path in paths]
    for request in _REQUESTS:
        _answer(client, other_organisation, request, {**theirs, **own})
    assert [client.get(path, headers=owner.headers).json() for path in paths] == before


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/flows", {}),
        ("/flows", {"flow_name": "daily"}),
        ("/flows", {"namespace": ""}),
        ("/deployments", {}),
        ("/deployments", {"flow_name": "daily", "namespace": ""}),
        ("/runs", {}),
        ("/runs", {"limit": "1"}),
        ("/runs", {"flow_name": "daily"}),
        ("/runs", {"status": "RUNNING"}),
        ("/runs", {"deployment_name": "nightly"}),
    ],
)
def test_lists_do_not_tell_how_much_another_organisation_has_sec_02(
    client: TestClient, other_organisation: Any, theirs: dict[str, str], path: str, query: Any
) -> None:
    answer = client.get(path, params=query, headers=other_organisation.headers)
    assert answer.json() == {"items": [], "next_cursor": None}


def test_the_same_names_and_bytes_are_of_each_organisation_its_own_sec_02(
    client: TestClient,
    owner: Any,
    other_organisation: Any,
    theirs: dict[str, str],
    new_run: Callable[..., str],
) -> None:
    run_id = new_run(other_organisation)  # of a flow with the same name
    for member, mine in ((owner, theirs["run_id"]), (other_organisation, run_id)):
        page = client.get("/runs", headers=member.headers).json()
        assert [each["run_id"] for each in page["items"]] == [mine]
        flow = client.get("/flows/daily", headers=member.headers).json()
        assert flow["org_id"] == member.organisation_id
    digest = hashlib.sha256(b"secret").hexdigest()
    upload = client.post(
        "/artifacts",
        content=b"secret",
        headers={**other_organisation.headers, "X-Content-SHA256": digest},
    )
    assert upload.status_code == 201  # and not 200, which would tell that somebody has it
    assert upload.json()["artifact_id"] != theirs["artifact_id"]
