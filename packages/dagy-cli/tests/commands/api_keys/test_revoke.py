from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_client.testing import FakeServer

Dagy = Callable[..., Any]


def test_a_key_ends_at_once(dagy: Dagy, api_server: FakeServer) -> None:
    with api_server.client() as client:
        keys = [client.api_keys.create("ci", scopes=["flows.read"]) for _ in range(2)]
        ended = dagy("api-keys", "revoke", keys[0].key_id)
        assert (ended.code, ended.out, ended.err) == (0, f"Revoked: {keys[0].key_id}\n", "")
        assert [each.key_id for each in client.api_keys.list()] == [keys[1].key_id]
    ended = dagy("api-keys", "revoke", keys[1].key_id, "--format", "json")
    assert json.loads(ended.out) == {"key_id": keys[1].key_id, "revoked": True}


def test_one_that_is_not_there_is_exit_5(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("api-keys", "revoke", "key_none")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.splitlines()[-1] == "hint: Run: dagy api-keys list"
    assert api_server.requests
