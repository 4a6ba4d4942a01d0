from __future__ import annotations

from typing import Any

import pytest

from dagy_server.services import Services


@pytest.mark.parametrize(
    "path", ["/runs?state=FAILED", "/flows?name=daily", "/api-keys?limit=1&page=2"]
)
def test_a_parameter_that_a_list_does_not_have_is_refused(
    client: Any, owner: Any, path: str
) -> None:
    answer = client.get(path, headers=owner.headers)
    assert answer.status_code == 422
    (fault,) = answer.json()["error"]["fields"]
    assert fault["message"] == "there is no such parameter"
    assert fault["path"].startswith("query.")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1.5", ""])
def test_sec_04_a_page_may_be_as_long_as_the_limit_and_no_longer(
    client: Any, owner: Any, limit: str
) -> None:
    for path in ("/runs", "/flows", "/deployments", "/api-keys", "/members", "/audit-log"):
        assert client.get(f"{path}?limit=1000", headers=owner.headers).status_code == 200
        answer = client.get(f"{path}?limit={limit}", headers=owner.headers)
        assert answer.status_code == 422
        assert answer.json()["error"]["fields"][0]["path"] == "query.limit"


def test_sec_04_a_cursor_may_be_as_long_as_the_limit_and_no_longer(client: Any, owner: Any) -> None:
    assert client.get(f"/runs?cursor={'x' * 1024}", headers=owner.headers).status_code == 400
    assert client.get(f"/runs?cursor={'x' * 1025}", headers=owner.headers).status_code == 422


def test_nothing_is_made_of_a_body_before_it_is_known_whose_it_is(client: Any) -> None:
    for content in (b"{", b"x" * 10_000_000):
        assert client.post("/flows", content=content).status_code == 401


def test_a_body_on_a_request_that_reads_none_changes_nothing(client: Any, owner: Any) -> None:
    answer = client.request("GET", "/me", content=b"{", headers=owner.headers)
    assert answer.status_code == 200


def test_a_large_body_is_looked_through_without_holding_up_others(
    client: Any, owner: Any, services: Services
) -> None:
    tasks = [{"task_id": f"t{each}", "name": "x" * 40} for each in range(2_000)]
    document = {"flow_spec": {"name": "wide", "version": "1", "tasks": tasks}}
    assert client.post("/flows", json=document, headers=owner.headers).status_code == 201
