"""SEC-01 … SEC-06 and SEC-24 where `test_sweep` and the tests of single modules leave off."""

from __future__ import annotations

import hashlib
import http.client
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from dagy_server import limits
from dagy_server.app import ROUTERS, build_app
from dagy_server.database.schema import metadata
from dagy_server.routing import PUBLIC, Declaration
from dagy_server.services import Services
from dagy_server.testing import RunningServer, running_server

DECLARATIONS = [each for router in ROUTERS for each in router.declarations]
PROTECTED = [each for each in DECLARATIONS if each.needs is not PUBLIC]
# But for what makes a thing under an id that its sender chose: see test_pushed_runs.
OF_ONE_THING = [each for each in PROTECTED if "{" in each.path and each.operation != "runs.push"]
LISTS = [each for each in PROTECTED if "Page" in getattr(each.response, "__name__", "")]

BODIES: dict[str, Any] = {
    "flows.register": {"flow_spec": {"name": "other", "tasks": [{"task_id": "a", "name": "a"}]}},
    "deployments.create": {
        "deployment_name": "nightly",
        "flow_name": "daily",
        "flow_version": "1",
    },
    "runs.trigger": {"flow_name": "daily"},
    "runs.push": {"flow_spec": {"name": "daily"}, "created_at": "2026-11-01T12:00:00Z"},
    "task_runs.report": {"status": "RUNNING"},
    "runs.append_logs": {
        "records": [
            {"at": "2026-11-01T12:00:00Z", "level": "INFO", "logger": "a", "message": "secret"}
        ]
    },
    "runs.report": {"task_runs": [{"task_id": "load", "status": "RUNNING", "attempt": 1}]},
    "artifacts.upload_past": {"sha256": "0" * 64, "size_bytes": 1},
    "api_keys.create": {"name": "ci"},
    "members.add": {"email": "new@example.com", "role": "viewer"},
    "members.change": {"role": "developer"},
}
UNKNOWN = {
    "name": "zzzzz",
    "version": "9",
    "run_id": "zzzzzzzzzzzz",
    "task_id": "zzzz",
    "artifact_id": "art_zzzzzzzzzzzzzzzzzzzz",
    "sha256": "0" * 64,
    "key_id": "key_zzzzzzzzzzzzzzzzzzzz",
    "user_id": "usr_zzzzzzzzzzzzzzzzzzzz",
}


def _name(declaration: Declaration) -> str:
    return f"{declaration.method} {declaration.path}"


def _ask(client: Any, declaration: Declaration, ids: dict[str, str], headers: Any) -> Any:
    body = BODIES.get(declaration.operation)
    return client.request(
        declaration.method,
        declaration.path.format_map(ids),
        headers={"X-Content-SHA256": hashlib.sha256(b"").hexdigest(), **headers},
        **({} if body is None else {"json": body}),
    )


@pytest.fixture
def things(client: Any, owner: Any, viewer: Any, new_run: Any, new_api_key: Any) -> dict[str, str]:
    """The ids of one thing of each kind in the owner's organisation."""
    run_id = new_run(owner)
    client.post("/deployments", json=BODIES["deployments.create"], headers=owner.headers)
    digest = hashlib.sha256(b"secret").hexdigest()
    upload = client.post(
        "/artifacts", content=b"secret", headers={**owner.headers, "X-Content-SHA256": digest}
    )
    return {
        "name": "daily",
        "version": "1",
        "run_id": run_id,
        "task_id": "load",
        "artifact_id": upload.json()["artifact_id"],
        "sha256": digest,
        "key_id": new_api_key(owner).id,
        "user_id": viewer.user_id,
    }


def test_sec_01_a_route_has_the_one_method_that_it_declares(usual_app: FastAPI) -> None:
    found = {
        (method, each.path)
        for each in usual_app.routes
        if isinstance(each, APIRoute)
        for method in each.methods
    }
    assert found == {(each.method, each.path) for each in DECLARATIONS}


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
)
def test_sec_01_no_path_does_anything_by_a_method_that_it_does_not_have(
    client: Any, owner: Any, things: dict[str, str], method: str
) -> None:
    paths = {each.path for each in DECLARATIONS}
    others = paths - {each.path for each in DECLARATIONS if each.method == method}
    assert others
    for path in others:
        answer = client.request(method, path.format_map(things), headers=owner.headers)
        # A path may be that of a thing, too: there is no artifact called "uploads".
        assert answer.status_code in (404, 405), path


def test_sec_01_no_route_answers_to_an_api_key_that_was_cut_or_has_another_scheme(
    client: Any, owner: Any, new_api_key: Callable[..., Any], things: dict[str, str]
) -> None:
    key = new_api_key(owner).key
    wrong = [f"Bearer {key[:-1]}", f"Bearer {key}0", f"Basic {key}", key, "Bearer", "Bearer "]
    for each in PROTECTED:
        for header in wrong:
            answer = _ask(client, each, things, {"Authorization": header})
            assert answer.status_code == 401, (_name(each), header)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def _status(server: RunningServer, path: str, headers: dict[str, str] | None = None) -> int:
    """Ask for a path as it is: clients of HTTP would tidy it up."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.putrequest("GET", path, skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..%2fhealth",
        "/runs/../health",
        "/health/../runs",
        "/health/",
        "/health%2f",
        "/health;/runs",
        "/health%00",
        "//health",
        "/./health",
        "/%2e/health",
        "/HEALTH",
        "/runs/%2e%2e/ready",
        "/flows/..%5chealth",
        "/docs/../me",
    ],
)
def test_sec_01_no_odd_path_leads_around_the_gate(server: RunningServer, path: str) -> None:
    assert _status(server, path) in (400, 401, 404)


def test_sec_01_a_public_path_stays_public_and_a_protected_one_protected_over_http(
    server: RunningServer,
) -> None:
    key = {"Authorization": f"Bearer {server.api_key}"}
    assert (_status(server, "/health"), _status(server, "/runs")) == (200, 401)
    assert (_status(server, "/runs", key), _status(server, "/runs/health", key)) == (200, 404)
    assert _status(server, "/health?a=/runs") == 200
    assert _status(server, "/runs?a=/health") == 401


def test_sec_02_to_every_route_a_foreign_id_is_as_one_that_is_not_there(
    client: Any, other_organisation: Any, things: dict[str, str]
) -> None:
    assert len(OF_ONE_THING) > 12
    for each in OF_ONE_THING:
        headers = {**other_organisation.headers, "X-Request-ID": "same"}
        theirs = _ask(client, each, things, headers)
        missing = _ask(client, each, UNKNOWN, headers)
        assert theirs.status_code == missing.status_code == 404, _name(each)
        text = theirs.text
        for kind, value in things.items():
            text = text.replace(f"'{value}'", f"'{UNKNOWN[kind]}'")
        assert text == missing.text, _name(each)
        changing = {"content-length", "x-ratelimit-remaining"}
        known, unknown = (
            {name: value for name, value in answer.headers.items() if name not in changing}
            for answer in (theirs, missing)
        )
        assert known == unknown, _name(each)


def test_sec_02_no_list_shows_what_another_organisation_has(
    client: Any, owner: Any, other_organisation: Any, things: dict[str, str], new_run: Any
) -> None:
    new_run(other_organisation)
    assert len(LISTS) > 7
    secrets = {things[each] for each in ("run_id", "artifact_id", "key_id", "user_id")}
    secrets |= {owner.organisation_id, owner.user_id}
    for each in LISTS:
        if "{" not in each.path:
            answer = client.get(each.path, headers=other_organisation.headers)
            assert answer.status_code == 200, each.path
            assert not [one for one in secrets if one in answer.text], each.path


def test_sec_02_a_cursor_of_another_organisation_is_as_one_that_is_made_up(
    client: Any, owner: Any, other_organisation: Any, new_run: Any
) -> None:
    for _ in range(2):
        new_run(owner)
    cursor = client.get("/runs?limit=1", headers=owner.headers).json()["next_cursor"]
    assert client.get(f"/runs?cursor={cursor}", headers=owner.headers).status_code == 200
    headers = {**other_organisation.headers, "X-Request-ID": "same"}
    theirs = client.get(f"/runs?cursor={cursor}", headers=headers)
    made_up = client.get("/runs?cursor=AAAA", headers=headers)
    assert theirs.status_code == made_up.status_code == 400
    assert theirs.text == made_up.text


def test_sec_02_an_idempotency_key_of_another_organisation_replays_nothing(
    client: Any, owner: Any, other_organisation: Any, new_flow: Any
) -> None:
    answers = []
    for member in (owner, other_organisation):
        new_flow(member)
        headers = {**member.headers, "Idempotency-Key": "same"}
        answers.append(client.post("/runs", json={"flow_name": "daily"}, headers=headers))
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json()["run_id"] != answers[1].json()["run_id"]
    assert "Idempotency-Replayed" not in answers[1].headers


def test_sec_02_nobody_logs_in_to_an_organisation_that_is_not_theirs(
    client: Any, ada: Any, other_organisation: Any
) -> None:
    texts = set()
    for org_id in (other_organisation.organisation_id, "org_zzzzzzzzzzzzzzzzzzzz"):
        login = {"email": ada.email, "password": "correct horse battery", "org_id": org_id}
        answer = client.post("/auth/login", json=login, headers={"X-Request-ID": "same"})
        assert answer.status_code == 403
        texts.add(answer.text)
    assert len(texts) == 1


def test_sec_03_no_object_in_any_body_takes_other_fields() -> None:
    document = build_app().openapi()
    schemas = document["components"]["schemas"]
    waiting = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(waiting) == len(BODIES) + 1  # and the login's
    seen = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = part.get("$ref", "").rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                assert schemas[name].get("additionalProperties") is False or "enum" in schemas[name]
                waiting.append(schemas[name])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    assert {"FlowSpecBody", "TaskSpecBody", "OriginBody", "LogRecordBody"} <= seen


def test_sec_04_a_key_may_have_as_many_scopes_as_the_limit_and_no_more(
    client: Any, owner: Any
) -> None:
    for count, status in ((limits.SCOPES, 201), (limits.SCOPES + 1, 422)):
        key = {"name": "ci", "scopes": ["runs.read"] * count}
        assert client.post("/api-keys", json=key, headers=owner.headers).status_code == status


def test_sec_04_a_task_may_have_as_many_dependencies_as_the_limit_and_no_more(
    client: Any, owner: Any
) -> None:
    # A flow has no more tasks than that, so at the limit it is the flow that has not got them all.
    for count, fault in (
        (limits.TASK_DEPENDENCIES, "is not in the flow"),
        (limits.TASK_DEPENDENCIES + 1, "List should have at most"),
    ):
        task = {"task_id": "last", "name": "a", "depends_on": [f"{each}" for each in range(count)]}
        flow = {"flow_spec": {"name": "wide", "tasks": [task]}}
        answer = client.post("/flows", json=flow, headers=owner.headers)
        assert answer.status_code == 422
        assert fault in answer.json()["error"]["message"]


def test_sec_04_an_idempotency_key_may_be_as_long_as_its_limit_and_no_longer(
    client: Any, owner: Any
) -> None:
    longest = "k" * limits.IDEMPOTENCY_KEY_CHARACTERS
    for key, status in ((longest, 201), (longest + "k", 400)):
        headers = {**owner.headers, "Idempotency-Key": key}
        answer = client.post("/api-keys", json={"name": "ci"}, headers=headers)
        assert answer.status_code == status


def test_sec_05_a_server_that_starts_again_gives_nobody_more(tmp_path: Path) -> None:
    slow = {"DAGY_SERVER_REQUESTS_PER_MINUTE": "1", "DAGY_SERVER_REQUEST_BURST": "20"}
    with running_server(tmp_path / "server", environ=slow) as server:
        key = {"Authorization": f"Bearer {server.api_key}"}
        statuses = [_status(server, "/me", key) for _ in range(21)]
        assert statuses == [200] * 20 + [429]
    with running_server(tmp_path / "server", environ=slow) as server:
        assert _status(server, "/me", key) == 429
        other = {"Authorization": f"Bearer {server.api_key}"}
        assert _status(server, "/me", other) == 200


def test_sec_06_a_key_is_refused_from_the_request_after_its_deletion_on(
    client: Any, owner: Any, new_api_key: Callable[..., Any], services: Services
) -> None:
    key = new_api_key(owner)
    assert client.get("/me", headers=key.headers).status_code == 200
    assert client.delete(f"/api-keys/{key.id}", headers=owner.headers).status_code == 204
    assert client.get("/me", headers=key.headers).status_code == 401
    with services.database.reading() as connection:
        rows = connection.execute(metadata.tables["api_keys"].select()).all()
    assert key.key not in repr(rows)


_BROKEN = ("flows", "deployments", "runs", "artifacts", "audit_log")
_INSIDES = (
    "Traceback",
    "sqlalchemy",
    "SELECT",
    "INSERT",
    "sqlite",
    "psycopg",
    "File ",
    "dagy_server",
)


def test_sec_24_no_fault_behind_any_route_tells_of_the_insides(
    client: Any,
    owner: Any,
    things: dict[str, str],
    services: Services,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with services.database.writing() as connection:
        for table in _BROKEN:
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO gone_{table}")
    try:
        answers = [(each, _ask(client, each, things, owner.headers)) for each in PROTECTED]
    finally:
        with services.database.writing() as connection:
            for table in _BROKEN:
                connection.exec_driver_sql(f"ALTER TABLE gone_{table} RENAME TO {table}")
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    failed = [(each, answer) for each, answer in answers if answer.status_code >= 500]
    untouched = {each.operation for each, answer in answers if answer.status_code < 500}
    assert untouched == {
        "api_keys.list",
        "artifacts.upload_past",
        "me",
        "members.list",
        "users.me",
    }
    for each, answer in failed:
        text = answer.text.replace(str(answer.headers["X-Request-ID"]), "")
        assert not [word for word in (*_INSIDES, "gone_", *_BROKEN) if word in text], _name(each)
        request_id = answer.json()["error"]["request_id"]
        assert [line for line in logged if request_id in line], _name(each)
    caplog.clear()
