from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_client.testing import FakeServer

Dagy = Callable[..., Any]


def test_the_key_alone_is_on_stdout_once_with_a_warning(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("api-keys", "create", "ci", "--scope", "flows.read", "--scope", "runs.read")
    assert ended.code == 0
    key = ended.out.removesuffix("\n")
    with api_server.client(auth=key) as client:
        (known,) = client.api_keys.list()
    assert (known.name, known.scopes) == ("ci", ("flows.read", "runs.read"))
    note, warning = ended.err.splitlines()
    assert note == f"Key {known.key_id} (ci) may: flows.read, runs.read"
    assert warning.startswith("warning: This is the only time that the key is shown.")
    assert key not in ended.err
    assert key not in dagy("api-keys", "list", "--format", "json").out


def test_the_warning_is_there_though_all_is_quiet(dagy: Dagy, api_server: FakeServer) -> None:
    words = ("api-keys", "create", "ci", "--scope", "flows.read", "--quiet", "--format", "json")
    ended = dagy(*words)
    assert json.loads(ended.out)["key"]
    assert ended.err.startswith("warning: ")
    assert api_server.requests


def test_a_key_that_may_do_nothing_or_all_is_not_made(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("api-keys", "create", "ci")
    assert (ended.code, ended.out) == (2, "")
    assert "--scope" in ended.err
    assert api_server.requests == []
