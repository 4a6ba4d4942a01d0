from __future__ import annotations

from typing import Any


def _items(client: Any, sender: Any, query: str = "") -> Any:
    return client.get(f"/audit-log{query}", headers=sender.headers).json()["items"]


def test_the_log_tells_who_changed_what_the_newest_first(
    client: Any, owner: Any, clock: Any
) -> None:
    key_id = client.post("/api-keys", json={"name": "ci"}, headers=owner.headers).json()["key_id"]
    clock.advance(1)
    client.delete(f"/api-keys/{key_id}", headers={**owner.headers, "X-Request-ID": "req-7"})
    items = _items(client, owner)
    assert [each["action"] for each in items] == ["api_key.revoked", "api_key.created"]
    assert items[0] == {
        "id": items[1]["id"] + 1,
        "at": "2026-11-01T12:00:01.000000Z",
        "actor": owner.user_id,
        "action": "api_key.revoked",
        "target": key_id,
        "details": {},
        "request_id": "req-7",
    }


def test_the_log_can_be_filtered_and_paged(client: Any, owner: Any, viewer: Any) -> None:
    for _ in range(3):
        client.post("/api-keys", json={"name": "ci"}, headers=owner.headers)
    path = f"/members/{viewer.user_id}"
    client.patch(path, json={"role": "admin"}, headers=owner.headers)
    client.post("/api-keys", json={"name": "ci"}, headers=viewer.headers)
    assert len(_items(client, owner, "?action=api_key.created")) == 4
    assert len(_items(client, owner, f"?actor={viewer.user_id}")) == 1
    page = client.get("/audit-log?limit=3", headers=owner.headers).json()
    rest = _items(client, owner, f"?limit=3&cursor={page['next_cursor']}")
    assert [each["id"] for each in page["items"] + rest] == [5, 4, 3, 2, 1]


def test_nobody_sees_the_log_of_another_organisation(
    client: Any, owner: Any, other_organisation: Any
) -> None:
    client.post("/api-keys", json={"name": "ci"}, headers=owner.headers)
    assert _items(client, other_organisation) == []
    page = client.get("/audit-log?limit=1", headers=owner.headers).json()
    assert page["next_cursor"] is None
