from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_client.testing import FakeServer
from dagy_types import FlowSpec

Dagy = Callable[..., Any]


def test_deployments_are_listed_the_newest_first(dagy: Dagy, api_server: FakeServer) -> None:
    with api_server.client() as client:
        client.flows.register(FlowSpec(name="daily"), deployment_name="nightly")
        client.flows.register(
            FlowSpec(name="weekly"), deployment_name="sundays", namespace="data", tags={"a": "b"}
        )
    ended = dagy("deployments", "list")
    assert (ended.code, ended.err) == (0, "")
    title, *rows = (line.split() for line in ended.out.splitlines())
    assert title == ["DEPLOYMENT", "FLOW", "VERSION", "NAMESPACE", "TAGS", "UPDATED"]
    assert [row[:5] for row in rows] == [
        ["sundays", "weekly", "latest", "data", "a=b"],
        ["nightly", "daily", "latest", "-", "-"],
    ]
    words = ("deployments", "list", "--format", "json")
    for filters in (("--flow", "daily"), ("--namespace", "")):
        found = json.loads(dagy(*words, *filters).out)
        assert [each["deployment_name"] for each in found] == ["nightly"]
    assert len(json.loads(dagy(*words, "--limit", "1").out)) == 1


def test_where_there_is_none_it_says_how_to_have_one(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("deployments", "list")
    assert (ended.code, ended.out) == (0, "")
    assert "dagy deploy ARTIFACT.zip" in ended.err
    assert api_server.requests
