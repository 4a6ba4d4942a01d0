from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from dagy_server.database.schema import api_keys
from dagy_server.services import Services
from dagy_types import Role


def _make(client: Any, sender: Any, **fields: Any) -> Any:
    return client.post("/api-keys", json={"name": "ci", **fields}, headers=sender.headers)


def _list(client: Any, sender: Any, query: str = "") -> Any:
    return client.get(f"/api-keys{query}", headers=sender.headers).json()["items"]


def test_orch_19_a_key_is_shown_once_and_works(client: Any, owner: Any) -> None:
    made = _make(client, owner, scopes=["runs.read", "flows.read", "runs.read"])
    assert made.status_code == 201
    document = made.json()
    key = document.pop("key")
    assert key.startswith(document["key_prefix"])
    assert document["scopes"] == ["flows.read", "runs.read"]
    assert document["created_at"] == "2026-11-01T12:00:00.000000Z"
    assert document["expires_at"] is document["last_used_at"] is None
    assert _list(client, owner) == [document]
    assert key not in client.get("/api-keys", headers=owner.headers).text
    as_key = {"Authorization": f"Bearer {key}"}
    assert client.get("/runs", headers=as_key).status_code == 200
    assert client.get("/api-keys", headers=as_key).status_code == 403
    assert _list(client, owner)[0]["last_used_at"] == "2026-11-01T12:00:00.000000Z"


def test_orch_19_a_key_without_scopes_may_do_nothing(client: Any, owner: Any) -> None:
    key = _make(client, owner).json()["key"]
    assert client.get("/runs", headers={"Authorization": f"Bearer {key}"}).status_code == 403


def test_orch_19_a_key_expires(client: Any, owner: Any, clock: Any) -> None:
    made = _make(client, owner, expires_at="2026-11-01T13:00:00+01:00")
    assert made.status_code == 422
    made = _make(client, owner, expires_at="2026-11-01T14:00:00+01:00")
    assert made.json()["expires_at"] == "2026-11-01T13:00:00.000000Z"
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    assert client.get("/me", headers=headers).status_code == 200
    clock.advance(3600)
    answer = client.get("/me", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_expired")


def test_orch_19_keys_are_found_by_their_prefix(client: Any, owner: Any) -> None:
    first, _ = _make(client, owner).json(), _make(client, owner).json()
    for text in (first["key_prefix"], first["key"]):
        (found,) = _list(client, owner, f"?key_prefix={text}")
        assert found["key_id"] == first["key_id"]
    assert _list(client, owner, "?key_prefix=dagy_sk_none") == []


def test_nobody_makes_a_key_that_may_do_more_than_they(
    client: Any, services: Services, organisation: str, new_member: Callable[..., Any]
) -> None:
    member = new_member(organisation, Role.OWNER, scopes=("api_keys.write", "runs.read"))
    answer = _make(client, member, scopes=["runs.read", "runs.write"])
    assert answer.status_code == 403
    assert "runs.write" in answer.json()["error"]["message"]
    with services.database.reading() as connection:
        assert connection.execute(select(api_keys)).all() == []
    assert _make(client, member, scopes=["runs.read"]).status_code == 201


def test_a_revoked_key_is_listed_no_more(client: Any, owner: Any) -> None:
    key_id = _make(client, owner).json()["key_id"]
    assert client.delete(f"/api-keys/{key_id}", headers=owner.headers).status_code == 204
    assert _list(client, owner) == []
    assert client.delete(f"/api-keys/{key_id}", headers=owner.headers).status_code == 404


def test_the_newest_key_comes_first_and_pages_neither_skip_nor_repeat(
    client: Any, owner: Any, clock: Any
) -> None:
    made = []
    for each in range(5):
        clock.advance(each % 2)  # some at the same moment
        made.append(_make(client, owner).json()["key_id"])
    listed, query = [], "?limit=2"
    while query:
        page = client.get(f"/api-keys{query}", headers=owner.headers).json()
        listed += [each["key_id"] for each in page["items"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert sorted(listed) == sorted(made)
    assert listed[0] in made[3:]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "body.name"),
        ({"name": None}, "body.name"),
        ({"name": 7}, "body.name"),
        ({"name": ""}, "body.name"),
        ({"name": "x" * 201}, "body.name"),
        ({"name": "\ud800"}, "body.name"),
        ({"name": "x", "scopes": None}, "body.scopes"),
        ({"name": "x", "scopes": "runs.read"}, "body.scopes"),
        ({"name": "x", "scopes": ["everything"]}, "body.scopes.0"),
        ({"name": "x", "scopes": ["runs.read"] * 65}, "body.scopes"),
        ({"name": "x", "expires_at": 7}, "body.expires_at"),
        ({"name": "x", "expires_at": "tomorrow"}, "body.expires_at"),
        ({"name": "x", "expires_at": "2026-12-01T00:00:00"}, "body.expires_at"),
        ({"name": "x", "key_hash": "y"}, "body.key_hash"),
    ],
)
def test_sec_03_a_field_that_cannot_be_accepted_is_named(
    client: Any, services: Services, owner: Any, document: Any, path: str
) -> None:
    headers = {**owner.headers, "Content-Type": "application/json"}
    answer = client.post("/api-keys", content=json.dumps(document), headers=headers)
    assert answer.status_code == 422
    assert path in [fault["path"] for fault in answer.json()["error"]["fields"]]
    assert _list(client, owner) == []


def test_a_name_may_be_as_long_as_the_limit(client: Any, owner: Any) -> None:
    assert _make(client, owner, name="x" * 200, scopes=["runs.read"] * 64).status_code == 201
