from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from dagy_server import Settings, create_app
from dagy_server.database.schema import api_keys, audit_log, flows, idempotency_keys
from dagy_server.errors import InFlightError
from dagy_server.idempotency import InFlight, Key, read_key
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.services import Services
from dagy_server.transactions import Change, Document
from dagy_types.errors import UsageError

_FLOW = {"flow_spec": {"name": "daily", "version": "1"}}


def _keyed(member: Any, key: str) -> dict[str, str]:
    return {**member.headers, "Idempotency-Key": key}


def _count(services: Services, table: Any) -> int:
    with services.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_http_03_the_same_request_again_gets_the_same_answer_and_does_nothing(
    client: Any, services: Services, owner: Any
) -> None:
    first = client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    audited = _count(services, audit_log)
    again = client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(services, audit_log) == audited


def test_http_03_without_a_key_the_request_is_done_again(client: Any, owner: Any) -> None:
    client.post("/flows", json=_FLOW, headers=owner.headers)
    runs = [
        client.post("/runs", json={"flow_name": "daily", "flow_version": "1"}, headers=headers)
        for headers in (owner.headers, owner.headers, _keyed(owner, "k"), _keyed(owner, "k"))
    ]
    assert len({run.json()["run_id"] for run in runs}) == 3


def test_http_03_an_answer_without_a_body_is_replayed_too(client: Any, owner: Any) -> None:
    key = client.post("/api-keys", json={"name": "ci"}, headers=owner.headers).json()["key_id"]
    answers = [client.delete(f"/api-keys/{key}", headers=_keyed(owner, "k")) for _ in range(2)]
    assert [each.status_code for each in answers] == [204, 204]
    assert answers[1].headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/flows", {"flow_spec": {"name": "daily", "version": "2"}}),
        ("/deployments", _FLOW),
        ("/flows", None),
    ],
)
def test_http_03_the_key_with_another_request_is_refused(
    client: Any, services: Services, owner: Any, path: str, document: Any
) -> None:
    client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    before = _count(services, flows)
    other = client.post(path, json=document or {"flow_spec": {}}, headers=_keyed(owner, "k1"))
    assert other.status_code == 422
    assert _count(services, flows) == before


def test_http_03_keys_belong_to_whoever_sends_them(
    client: Any, owner: Any, developer: Any, new_api_key: Callable[..., Any]
) -> None:
    for sender in (owner, developer, new_api_key(owner), new_api_key(owner)):
        answer = client.post("/flows", json=_FLOW, headers=_keyed(sender, "k1"))
        assert "Idempotency-Replayed" not in answer.headers


def test_http_03_a_request_that_failed_leaves_no_key_behind(
    client: Any, services: Services, owner: Any
) -> None:
    missing = {"deployment_name": "prod", "flow_name": "daily", "flow_version": "1"}
    refused = client.post("/deployments", json=missing, headers=_keyed(owner, "k1"))
    assert refused.status_code == 404
    assert _count(services, idempotency_keys) == 0
    client.post("/flows", json=_FLOW, headers=owner.headers)
    done = client.post("/deployments", json=missing, headers=_keyed(owner, "k1"))
    assert done.status_code == 201


def test_http_03_keys_are_remembered_for_two_days(client: Any, owner: Any, clock: Any) -> None:
    client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    clock.advance(2 * 86_400 - 1)
    again = client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    assert "Idempotency-Replayed" in again.headers
    clock.advance(1)
    later = client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    assert "Idempotency-Replayed" not in later.headers


def test_http_03_keys_survive_a_restart(
    client: Any, app: FastAPI, settings: Settings, owner: Any, clock: Any, test_client: Any
) -> None:
    first = client.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    app.state.services.close()
    with test_client(create_app(settings, clock=clock)) as restarted:
        again = restarted.post("/flows", json=_FLOW, headers=_keyed(owner, "k1"))
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"


def test_http_03_a_secret_is_not_kept_and_the_key_still_works_once(
    client: Any, services: Services, owner: Any
) -> None:
    made = client.post("/api-keys", json={"name": "ci"}, headers=_keyed(owner, "k1"))
    again = client.post("/api-keys", json={"name": "ci"}, headers=_keyed(owner, "k1"))
    assert again.status_code == 409
    assert "shown once" in again.json()["error"]["message"]
    assert _count(services, api_keys) == 1
    with services.database.reading() as connection:
        (kept,) = connection.execute(select(idempotency_keys))
    assert made.json()["key"] not in repr(kept)
    assert kept.body is None


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ü"])
def test_http_03_what_is_not_a_key_is_refused(client: Any, owner: Any, key: str) -> None:
    headers = {**owner.headers, "Idempotency-Key": key.encode("latin-1")}
    assert client.post("/flows", json=_FLOW, headers=headers).status_code == 400


def test_http_03_a_key_may_be_as_long_as_the_limit(client: Any, owner: Any) -> None:
    answer = client.post("/flows", json=_FLOW, headers=_keyed(owner, "x" * 255))
    assert answer.status_code == 201


class _Door:
    """A route that waits in its transaction until it is let through."""

    def __init__(self) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()
        self.router = Router("door")

        @route(
            self.router,
            "POST",
            "/door",
            needs=Permission.RUNS_WRITE,
            audit="door.passed",
            operation="door",
        )
        def pass_door(change: Change) -> Document:
            self.begun.set()
            assert self.opened.wait(30)
            change.audit("door")
            return {"passed": True}


@pytest.fixture(scope="module")
def door() -> Iterator[_Door]:
    """A door for one test: it stays open."""
    door = _Door()
    yield door
    door.opened.set()


@pytest.fixture(scope="module")
def extra_routers(door: _Door) -> tuple[Router, ...]:
    return (door.router,)


def test_http_03_the_same_request_while_the_first_is_under_way_is_told_to_wait(
    client: Any, owner: Any, door: _Door
) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/door", headers=_keyed(owner, "k1"))
        assert door.begun.wait(30)
        second = client.post("/door", headers=_keyed(owner, "k1"))
        door.opened.set()
        assert second.status_code == 409
        assert second.headers["Retry-After"] == "1"
        assert second.json()["error"]["code"] == "in_flight"
        assert first.result().json() == {"passed": True}
    third = client.post("/door", headers=_keyed(owner, "k1"))
    assert third.json() == {"passed": True}
    assert third.headers["Idempotency-Replayed"] == "true"


def test_a_key_is_free_again_when_its_request_has_failed() -> None:
    in_flight, key = InFlight(), Key("usr_1", "k1", "hash")
    with pytest.raises(ZeroDivisionError), in_flight.working_on(key):
        with pytest.raises(InFlightError), in_flight.working_on(key):
            raise AssertionError
        raise ZeroDivisionError
    with in_flight.working_on(key), in_flight.working_on(None), in_flight.working_on(None):
        pass


def test_no_header_is_no_key() -> None:
    request = ("POST", "/runs", b"")
    assert read_key(None, principal="usr_1", request=request) is None
    with pytest.raises(UsageError):
        read_key("", principal="usr_1", request=request)
