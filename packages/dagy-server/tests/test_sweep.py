"""What holds for every route, found in the app object and not listed by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import select

from dagy_server.app import ROUTERS, build_app, check_routes
from dagy_server.database.schema import audit_log, metadata
from dagy_server.permissions import ROLE_PERMISSIONS, Permission
from dagy_server.public_routes import PUBLIC_ROUTES
from dagy_server.routing import PUBLIC, Declaration, Router, declaration_of, route
from dagy_server.services import Services
from dagy_server.transactions import Document, View
from dagy_types import Role

_ARCHIVE = b"an archive"
_DIGEST = hashlib.sha256(_ARCHIVE).hexdigest()
_AT = "2026-11-01T12:00:00.000000Z"
_FLOW = {"name": "daily", "version": "1", "tasks": [{"task_id": "load", "name": "load"}]}


def _declarations() -> list[Declaration]:
    found = [declaration_of(each.endpoint) for each in build_app().routes]  # type: ignore[attr-defined]
    assert all(found)
    return [each for each in found if each is not None]


DECLARATIONS = _declarations()
PROTECTED = [each for each in DECLARATIONS if each.needs is not PUBLIC]
PERMITTED = [each for each in PROTECTED if isinstance(each.needs, Permission)]
# But for what makes a thing under an id that its sender chose.
OF_ONE_THING = [each for each in PROTECTED if "{" in each.path and each.operation != "runs.push"]
MUTATING = [each for each in PROTECTED if each.audit is not None]


def _id(declaration: Declaration) -> str:
    return f"{declaration.method} {declaration.path}"


@dataclass
class World:
    """An organisation with one of everything, and how to ask for each."""

    client: Any
    headers: Mapping[str, str]
    ids: dict[str, str] = field(default_factory=dict)
    own_ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(
        self, declaration: Declaration, *, headers: Mapping[str, str] | None = None, **changes: Any
    ) -> Any:
        sample = {**_SAMPLES[declaration.operation](self), **changes}
        path = declaration.path.format(**self.ids | self.own_ids.get(declaration.operation, {}))
        own = dict(sample.pop("headers", {}))
        own.update(self.headers if headers is None else headers)
        return self.client.request(declaration.method, path, headers=own, **sample)


def _json(document: Any) -> Callable[[World], dict[str, Any]]:
    return lambda _: {"json": document}


def _nothing(_: World) -> dict[str, Any]:
    return {}


_SAMPLES: dict[str, Callable[[World], dict[str, Any]]] = {
    "logout": _nothing,
    "me": _nothing,
    "users.me": _nothing,
    "flows.list": _nothing,
    "flows.register": _json({"flow_spec": {**_FLOW, "version": "2"}}),
    "flows.get": _nothing,
    "flows.get_version": _nothing,
    "deployments.list": _nothing,
    "deployments.create": _json(
        {"deployment_name": "nightly", "flow_name": "daily", "flow_version": "1"}
    ),
    "deployments.get": _nothing,
    "runs.list": _nothing,
    "runs.trigger": _json({"flow_name": "daily", "flow_version": "1"}),
    "runs.get": _nothing,
    "runs.push": _json({"flow_spec": _FLOW, "created_at": _AT}),
    "runs.cancel": _nothing,
    "runs.retry": _nothing,
    "task_runs.list": _nothing,
    "task_runs.report": _json({"status": "RUNNING"}),
    "runs.append_logs": _json(
        {"records": [{"at": _AT, "level": "INFO", "logger": "stdout", "message": "hello"}]}
    ),
    "runs.logs": _nothing,
    "runs.report": _json({"task_runs": [{"task_id": "load", "status": "RUNNING", "attempt": 1}]}),
    "runs.flow_spec": _nothing,
    "artifacts.upload": lambda _: {
        "content": b"another archive",
        "headers": {"X-Content-SHA256": hashlib.sha256(b"another archive").hexdigest()},
    },
    "artifacts.upload_past": _json({"sha256": _DIGEST, "size_bytes": len(_ARCHIVE)}),
    "artifacts.find": _nothing,
    "artifacts.download": _nothing,
    "api_keys.list": _nothing,
    "api_keys.create": _json({"name": "ci", "scopes": ["runs.read"]}),
    "api_keys.delete": _nothing,
    "members.list": _nothing,
    "members.add": _json({"email": "new@example.com", "role": "viewer"}),
    "members.change": _json({"role": "developer"}),
    "members.remove": _nothing,
    "audit_log.list": _nothing,
}


@pytest.fixture
def new_world(client: Any, new_member: Callable[..., Any]) -> Callable[[Any], World]:
    def new_world(owner: Any) -> World:
        world = World(client, owner.headers)

        def post(path: str, document: Any) -> Any:
            answer = client.post(path, json=document, headers=owner.headers)
            assert answer.status_code == 201, answer.text
            return answer.json()

        post("/flows", {"flow_spec": _FLOW})
        post(
            "/deployments", {"deployment_name": "daily", "flow_name": "daily", "flow_version": "1"}
        )
        run = post("/runs", {"deployment_name": "daily"})
        ended = post("/runs", {"deployment_name": "daily"})
        client.post(f"/runs/{ended['run_id']}/cancel", headers=owner.headers)
        key = post("/api-keys", {"name": "ci"})
        uploaded = client.post(
            "/artifacts",
            content=_ARCHIVE,
            headers={**owner.headers, "X-Content-SHA256": _DIGEST},
        )
        assert uploaded.status_code == 201, uploaded.text
        world.ids = {
            "name": "daily",
            "version": "1",
            "run_id": run["run_id"],
            "task_id": "load",
            "artifact_id": uploaded.json()["artifact_id"],
            "sha256": _DIGEST,
            "key_id": key["key_id"],
            "user_id": new_member(owner.organisation_id, Role.VIEWER).user_id,
        }
        waiting = post("/runs", {"deployment_name": "daily"})
        world.own_ids = {
            "runs.push": {"run_id": "executedelse"},
            "runs.retry": {"run_id": ended["run_id"]},
            "runs.cancel": {"run_id": waiting["run_id"]},
        }
        return world

    return new_world


@pytest.fixture
def world(new_world: Callable[[Any], World], owner: Any) -> World:
    return new_world(owner)


@pytest.fixture
def other_world(new_world: Callable[[Any], World], other_organisation: Any) -> World:
    """The same things in another organisation."""
    return new_world(other_organisation)


def test_every_protected_route_has_a_sample_here() -> None:
    assert {each.operation for each in PROTECTED} == set(_SAMPLES)


def test_sec_01_no_route_answers_without_a_credential(world: World) -> None:
    for each in PROTECTED:
        answer = world.ask(each, headers={})
        assert answer.status_code == 401, _id(each)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), _id(each)
        assert answer.json()["error"]["code"] == "not_logged_in", _id(each)


def test_sec_01_no_route_answers_to_a_key_that_is_not_good_any_more(
    world: World, owner: Any, new_api_key: Callable[..., Any], clock: Any
) -> None:
    expired = new_api_key(owner, expires_at=clock())
    revoked = new_api_key(owner, revoked_at=clock())
    truncated = {"Authorization": owner.headers["Authorization"][:-1]}
    for each in PROTECTED:
        for headers in (expired.headers, revoked.headers, truncated):
            assert world.ask(each, headers=headers).status_code == 401, _id(each)


def test_sec_01_no_route_answers_to_an_expired_token(world: World, clock: Any) -> None:
    clock.advance(31 * 86_400)
    for each in PROTECTED:
        answer = world.ask(each)
        assert answer.status_code == 401, _id(each)
        assert answer.json()["error"]["code"] == "token_expired", _id(each)


def test_sec_01_no_route_answers_to_a_key_that_lacks_its_permission(
    world: World, owner: Any, new_api_key: Callable[..., Any]
) -> None:
    bare = new_api_key(owner, ())
    for each in PERMITTED:
        others = tuple(str(one) for one in Permission if one is not each.needs)
        for headers in (bare.headers, new_api_key(owner, others).headers):
            answer = world.ask(each, headers=headers)
            assert answer.status_code == 403, _id(each)
            assert str(each.needs) in answer.json()["error"]["message"]


def test_sec_01_no_route_answers_to_a_role_below_what_it_needs(
    world: World, organisation: str, new_member: Callable[..., Any]
) -> None:
    members = {role: new_member(organisation, role) for role in Role}
    refused = [
        (each, role)
        for each in PERMITTED
        for role in Role
        if each.needs not in ROLE_PERMISSIONS[role]
    ]
    assert len(refused) > 20
    for each, role in refused:
        answer = world.ask(each, headers=members[role].headers)
        assert answer.status_code == 403, (_id(each), role)


def test_sec_01_no_route_shows_what_another_organisation_has(
    world: World, other_organisation: Any
) -> None:
    for each in OF_ONE_THING:
        theirs = world.ask(each, headers=other_organisation.headers)
        assert theirs.status_code == 404, _id(each)
        unknown = dict.fromkeys(world.ids, "r0000000000a")
        nothing = World(world.client, other_organisation.headers, unknown).ask(each)
        assert _words(nothing) == _words(theirs), _id(each)


def _words(answer: Any) -> tuple[int, Any]:
    """What an answer says, whatever the id that it was asked for."""
    error = answer.json()["error"]
    return answer.status_code, (error["code"], error["message"].split("'")[0])


def test_sec_01_nothing_of_another_organisation_was_touched(
    world: World, other_world: World, services: Services, other_organisation: Any
) -> None:
    before = _rows_of(services, world)
    for each in MUTATING:
        if each in OF_ONE_THING:
            world.ask(each, headers=other_organisation.headers)
    assert _rows_of(services, world) == before


def _rows_of(services: Services, world: World) -> dict[str, list[Any]]:
    with services.database.reading() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in metadata.tables.items()
            if name in ("flows", "deployments", "runs", "task_runs", "artifacts", "memberships")
        }


def test_sec_01_the_public_routes_are_exactly_those_of_the_list() -> None:
    public = {(each.method, each.path) for each in DECLARATIONS if each.needs is PUBLIC}
    assert public == PUBLIC_ROUTES


@pytest.mark.parametrize(
    "path", ["/health/", "/ready/", "/..%2fhealth", "/flows/..%2fhealth", "//health", "/Health"]
)
def test_sec_01_what_only_looks_like_a_public_path_is_not_one(client: Any, path: str) -> None:
    assert client.get(f"http://127.0.0.1:8000{path}").status_code == 404


@pytest.mark.parametrize("name", ["health", "ready", "docs", "openapi.json"])
def test_sec_01_a_thing_that_is_named_like_a_public_path_stays_protected(
    client: Any, name: str
) -> None:
    for path in ("/flows/{}", "/deployments/{}", "/runs/{}", "/runs/{}/tasks", "/artifacts/{}"):
        assert client.get(path.format(name)).status_code == 401


def test_sec_01_a_route_that_declares_nothing_fails_the_start() -> None:
    app = build_app()

    @app.get("/leak")
    def leak() -> str:
        return "secret"

    with pytest.raises(TypeError, match="'/leak' declares no permission"):
        check_routes(app.routes)


def test_sec_01_a_mounted_application_or_a_socket_fails_the_start() -> None:
    app = build_app()
    app.mount("/files", FastAPI())
    with pytest.raises(TypeError, match="'/files' declares no permission"):
        check_routes(app.routes)
    app = build_app()

    @app.websocket("/socket")
    async def socket() -> None: ...

    with pytest.raises(TypeError, match="'/socket' declares no permission"):
        check_routes(app.routes)


def test_sec_01_a_route_that_is_public_and_not_listed_fails_the_start() -> None:
    router = Router("leaks")

    @route(router, "GET", "/leak", needs=PUBLIC, operation="leak")
    def leak(view: View) -> Document:
        return {}

    with pytest.raises(TypeError, match=r"not both: \[\('GET', '/leak'\)\]"):
        build_app((*ROUTERS, router))


def test_sec_01_a_route_that_is_listed_and_not_public_fails_the_start() -> None:
    with pytest.raises(TypeError, match=r"\('GET', '/health'\)"):
        build_app(tuple(each for each in ROUTERS if each.name != "health"))


def test_orch_20_every_mutating_route_writes_one_row_of_the_audit_log(
    world: World, services: Services, owner: Any
) -> None:
    # The last ones take away what the others need; past the server, only S3 takes uploads.
    last = ("", "members.remove", "api_keys.delete", "logout")
    skipped = {"artifacts.upload_past"}
    routes = sorted(
        MUTATING, key=lambda each: last.index(each.operation) if each.operation in last else 0
    )
    for each in routes:
        if each.operation in skipped:
            continue
        before = _audit_rows(services)
        answer = world.ask(each)
        assert answer.status_code < 300, (_id(each), answer.text)
        rows = _audit_rows(services)[len(before) :]
        assert [row.action for row in rows] == [each.audit], _id(each)
        assert rows[0].organisation_id == owner.organisation_id
        assert rows[0].actor == owner.user_id
        assert rows[0].request_id == answer.headers["X-Request-ID"]
        assert rows[0].target


def test_orch_20_no_route_that_only_reads_writes_to_the_audit_log(
    world: World, services: Services
) -> None:
    before = _audit_rows(services)
    for each in PROTECTED:
        if each.audit is None:
            assert world.ask(each).status_code < 300, _id(each)
    assert _audit_rows(services) == before


def _audit_rows(services: Services) -> list[Any]:
    with services.database.reading() as connection:
        return list(connection.execute(select(audit_log).order_by(audit_log.c.id)))


def test_sec_03_every_body_refuses_fields_that_it_does_not_have(usual_app: FastAPI) -> None:
    models = list(_body_models(usual_app))
    assert len(models) > 8
    for model in models:
        assert model.model_config.get("extra") == "forbid", model


def _body_models(app: FastAPI) -> Iterator[type[BaseModel]]:
    for each in app.routes:
        assert isinstance(each, APIRoute)
        for parameter in each.dependant.body_params:
            kind = parameter.field_info.annotation
            assert isinstance(kind, type), each.path
            assert issubclass(kind, BaseModel), each.path
            yield kind


_COLUMNS = {
    "flows.register": "flows",
    "deployments.create": "deployments",
    "runs.trigger": "runs",
    "task_runs.report": "task_runs",
    "runs.append_logs": "log_lines",
    "api_keys.create": "api_keys",
    "members.add": "memberships",
    "members.change": "memberships",
    "artifacts.upload_past": "artifacts",
}


@pytest.mark.parametrize("operation", _COLUMNS)
def test_sec_03_no_attribute_of_a_table_can_be_set_from_outside(
    world: World, services: Services, app: FastAPI, operation: str
) -> None:
    declaration = next(each for each in MUTATING if each.operation == operation)
    sample = _SAMPLES[operation](world)["json"]
    columns = {column.name for column in metadata.tables[_COLUMNS[operation]].columns}
    attributes = columns | {"org_id", "owner", "hashed_key", "state", "permissions", "key"}
    before = _rows_of(services, world)
    for attribute in sorted(attributes - _fields(app, declaration)):
        answer = world.ask(declaration, json={**sample, attribute: "x"})
        assert answer.status_code == 422, attribute
        paths = [fault["path"] for fault in answer.json()["error"]["fields"]]
        assert f"body.{attribute}" in paths
    assert _rows_of(services, world) == before


def _fields(app: FastAPI, declaration: Declaration) -> set[str]:
    found = next(
        each
        for each in app.routes
        if isinstance(each, APIRoute) and each.operation_id == declaration.operation
    )
    kind = found.dependant.body_params[0].field_info.annotation
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    return set(kind.model_fields)


def test_sec_24_no_error_of_any_route_tells_of_the_insides(world: World, owner: Any) -> None:
    insides = (
        "Traceback",
        "sqlalchemy",
        "SELECT",
        "sqlite",
        "site-packages",
        "dagy_server",
        "/tmp",
        "/dev/shm",
    )
    for each in PROTECTED:
        for headers in ({}, owner.headers):
            answer = world.ask(each, headers=headers, params={"cursor": "x", "limit": "0"})
            assert answer.status_code >= 400, _id(each)
            assert not [word for word in insides if word in answer.text], _id(each)
