from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_client.testing import FakeServer
from dagy_types import FlowSpec

Dagy = Callable[..., Any]


def _register(server: FakeServer, name: str, version: str = "1", namespace: str = "") -> None:
    with server.client() as client:
        spec = FlowSpec(name=name, version=version)
        client.flows.register(spec, namespace=namespace, tags={"env": "prod", "a": "b"})


def test_versions_are_listed_the_newest_first(dagy: Dagy, api_server: FakeServer) -> None:
    _register(api_server, "daily")
    _register(api_server, "weekly", namespace="data/in")
    ended = dagy("flows", "list")
    assert (ended.code, ended.err) == (0, "")
    title, *rows = (line.split() for line in ended.out.splitlines())
    assert title == ["FLOW", "VERSION", "NAMESPACE", "TAGS", "REGISTERED"]
    assert [row[:5] for row in rows] == [
        ["weekly", "1", "data/in", "a=b", "env=prod"],
        ["daily", "1", "-", "a=b", "env=prod"],
    ]


def test_programs_get_one_array_without_graphs(dagy: Dagy, api_server: FakeServer) -> None:
    for version in ("1", "2", "3"):
        _register(api_server, "daily", version)
    _register(api_server, "weekly", namespace="data")
    words = ("flows", "list", "--format", "json")
    found = json.loads(dagy(*words, "--flow", "daily", "--limit", "2").out)
    assert [each["flow_version"] for each in found] == ["3", "2"]
    assert "flow_spec" not in found[0]
    found = json.loads(dagy(*words, "--namespace", "data").out)
    assert [each["flow_name"] for each in found] == ["weekly"]


def test_where_there_is_none_it_says_how_to_have_one(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("flows", "list", "--flow", "none")
    assert (ended.code, ended.out) == (0, "")
    assert "dagy deploy ARTIFACT.zip" in ended.err
    assert json.loads(dagy("flows", "list", "--format", "json").out) == []
    assert api_server.requests


def test_without_a_login_it_is_exit_3(dagy: Dagy, api_server: FakeServer, monkeypatch: Any) -> None:
    monkeypatch.delenv("DAGY_TOKEN")
    ended = dagy("flows", "list")
    assert (ended.code, ended.out) == (3, "")
    assert "dagy login" in ended.err
    assert api_server.requests == []
