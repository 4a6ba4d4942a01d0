from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_client.testing import FakeServer

Dagy = Callable[..., Any]


def test_keys_are_listed_without_their_secrets(dagy: Dagy, api_server: FakeServer) -> None:
    with api_server.client() as client:
        made = [client.api_keys.create(name, scopes=["flows.read"]) for name in ("ci", "bi")]
    ended = dagy("api-keys", "list")
    assert (ended.code, ended.err) == (0, "")
    title, *rows = ended.out.splitlines()
    assert title.split() == [
        "KEY_ID",
        "NAME",
        "BEGINS",
        "WITH",
        "SCOPES",
        "CREATED",
        "LAST",
        "USED",
    ]
    assert [row.split()[:4] for row in rows] == [
        [key.key_id, key.name, key.key_prefix, "flows.read"] for key in reversed(made)
    ]
    found = json.loads(dagy("api-keys", "list", "--limit", "1", "--format", "json").out)
    assert [each["name"] for each in found] == ["bi"]
    assert not any(key.key in ended.out + json.dumps(found) for key in made)


def test_where_there_is_none_it_says_so(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("api-keys", "list")
    assert (ended.code, ended.out, ended.err) == (0, "", "There are no API keys.\n")
    assert api_server.requests
