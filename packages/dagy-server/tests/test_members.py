from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from dagy_server.database.schema import memberships
from dagy_server.services import Services
from dagy_types import Role


def _add(client: Any, sender: Any, **fields: Any) -> Any:
    document = {"email": "new@example.com", "role": "developer", **fields}
    return client.post("/members", json=document, headers=sender.headers)


def _emails(client: Any, sender: Any) -> list[str]:
    items = client.get("/members", headers=sender.headers).json()["items"]
    return [each["email"] for each in items]


@pytest.fixture
def admin(organisation: str, new_member: Callable[..., Any]) -> Any:
    return new_member(organisation, Role.ADMIN)


def test_who_is_added_is_invited_to_choose_a_password(client: Any, owner: Any) -> None:
    answer = _add(client, owner, email=" New@Example.COM", name="Ada")
    assert answer.status_code == 201
    document = answer.json()
    assert (document["email"], document["name"]) == ("new@example.com", "Ada")
    assert (document["role"], document["is_disabled"]) == ("developer", False)
    url = document["invitation_url"]
    assert url.startswith("http://127.0.0.1:8000/invitation?code=dagy_in_")
    page = client.get(url)
    assert page.status_code == 200
    assert "new@example.com" in page.text
    assert set(_emails(client, owner)) == {"new@example.com", "owner@example.com"}


def test_who_has_a_password_already_needs_no_invitation(
    client: Any, owner: Any, other_organisation: Any, new_member: Callable[..., Any]
) -> None:
    known = new_member(other_organisation.organisation_id, password_hash="$argon2id$x")
    answer = _add(client, owner, email=known.email, role="viewer")
    assert answer.status_code == 201
    assert answer.json()["invitation_url"] is None
    assert client.get("/me", headers=known.headers).json()["org_id"] == known.organisation_id


def test_a_member_is_not_added_twice(client: Any, owner: Any, viewer: Any) -> None:
    answer = _add(client, owner, email=viewer.email, role="owner")
    assert answer.status_code == 409
    assert client.get("/me", headers=viewer.headers).json()["role"] == "viewer"


def test_a_role_counts_from_the_next_request_on(client: Any, owner: Any, viewer: Any) -> None:
    path = f"/members/{viewer.user_id}"
    assert client.get("/members", headers=viewer.headers).status_code == 403
    answer = client.patch(path, json={"role": "admin"}, headers=owner.headers)
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert client.get("/members", headers=viewer.headers).status_code == 200


def test_who_is_removed_is_out_with_all_tokens_and_keys(
    client: Any,
    services: Services,
    owner: Any,
    viewer: Any,
    new_api_key: Callable[..., Any],
) -> None:
    key = new_api_key(viewer)
    path = f"/members/{viewer.user_id}"
    assert client.delete(path, headers=owner.headers).status_code == 204
    assert _add(client, owner, email=viewer.email).status_code == 201  # and back again
    for sender in (viewer, key):
        assert client.get("/me", headers=sender.headers).status_code == 401
    assert client.delete("/members/usr_nobody", headers=owner.headers).status_code == 404


def test_only_an_owner_makes_changes_or_removes_an_owner(
    client: Any, owner: Any, admin: Any, viewer: Any
) -> None:
    headers = admin.headers
    refused = [
        _add(client, admin, role="owner"),
        client.patch(f"/members/{viewer.user_id}", json={"role": "owner"}, headers=headers),
        client.patch(f"/members/{owner.user_id}", json={"role": "viewer"}, headers=headers),
        client.patch(f"/members/{admin.user_id}", json={"role": "owner"}, headers=headers),
        client.delete(f"/members/{owner.user_id}", headers=headers),
    ]
    assert [each.status_code for each in refused] == [403] * 5
    assert client.get("/me", headers=owner.headers).json()["role"] == "owner"
    assert _add(client, admin, role="admin").status_code == 201


def test_an_organisation_keeps_an_owner(
    client: Any, owner: Any, viewer: Any, organisation: str, new_member: Callable[..., Any]
) -> None:
    path = f"/members/{owner.user_id}"
    assert client.patch(path, json={"role": "viewer"}, headers=owner.headers).status_code == 409
    assert client.delete(path, headers=owner.headers).status_code == 409
    assert client.patch(path, json={"role": "owner"}, headers=owner.headers).status_code == 200
    another = new_member(organisation, Role.OWNER)
    assert client.delete(path, headers=owner.headers).status_code == 204
    assert client.get("/me", headers=another.headers).json()["role"] == "owner"


def test_two_owners_cannot_remove_each_other_at_once(
    client: Any, services: Services, owner: Any, organisation: str, new_member: Callable[..., Any]
) -> None:
    owners = [owner, new_member(organisation, Role.OWNER)]

    def remove(pair: tuple[Any, Any]) -> int:
        sender, other = pair
        answer = client.delete(f"/members/{other.user_id}", headers=sender.headers)
        return int(answer.status_code)

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(remove, [tuple(owners), tuple(reversed(owners))]))
    assert 204 in statuses
    with services.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(memberships)) == 1


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"role": "viewer"}, "body.email"),
        ({"email": None, "role": "viewer"}, "body.email"),
        ({"email": "nobody", "role": "viewer"}, "body.email"),
        ({"email": "a@b\ud800", "role": "viewer"}, "body.email"),
        ({"email": "x" * 250 + "@b.de", "role": "viewer"}, "body.email"),
        ({"email": "a@b.de"}, "body.role"),
        ({"email": "a@b.de", "role": "emperor"}, "body.role"),
        ({"email": "a@b.de", "role": "viewer", "name": ""}, "body.name"),
        ({"email": "a@b.de", "role": "viewer", "organisation_id": "x"}, "body.organisation_id"),
    ],
)
def test_sec_03_a_field_that_cannot_be_accepted_is_named(
    client: Any, owner: Any, document: Any, path: str
) -> None:
    headers = {**owner.headers, "Content-Type": "application/json"}
    answer = client.post("/members", content=json.dumps(document), headers=headers)
    assert answer.status_code == 422
    assert path in [fault["path"] for fault in answer.json()["error"]["fields"]]
    assert _emails(client, owner) == ["owner@example.com"]
