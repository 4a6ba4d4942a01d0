from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_client.testing import FakeServer
from dagy_types import DeploymentRequest, FlowSpec

Dagy = Callable[..., Any]


def test_a_deployment_is_shown(dagy: Dagy, api_server: FakeServer) -> None:
    with api_server.client() as client:
        client.flows.register(FlowSpec(name="daily", version="2"))
        client.deployments.create(
            DeploymentRequest(
                deployment_name="nightly",
                flow_name="daily",
                flow_version="2",
                schedule="0 3 * * *",
                timezone="Europe/Oslo",
                parameters={"day": "Måndag"},
            )
        )
    ended = dagy("deployments", "show", "nightly")
    assert (ended.code, ended.err) == (0, "")
    lines = {" ".join(line.split()) for line in ended.out.splitlines()}
    assert {
        "Deployment: nightly",
        "Flow: daily (version 2)",
        "Schedule: 0 3 * * * Europe/Oslo",
        'Parameters: {"day": "Måndag"}',
    } <= lines
    document = json.loads(dagy("deployments", "show", "nightly", "--format", "json").out)
    assert document["parameters"] == {"day": "Måndag"}


def test_one_that_is_not_there_is_exit_5(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("deployments", "show", "nightly")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.splitlines()[-1] == "hint: Run: dagy deployments list"
    assert api_server.requests
