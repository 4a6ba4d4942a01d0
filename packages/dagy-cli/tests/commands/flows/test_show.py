from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dagy_client.testing import FakeServer
from dagy_types import FlowSpec, TaskSpec

Dagy = Callable[..., Any]


@pytest.fixture(autouse=True)
def versions(api_server: FakeServer) -> None:
    tasks = (
        TaskSpec(task_id="load", name="load"),
        TaskSpec(task_id="step", name="step", depends_on=("load",), is_mapped=True),
    )
    with api_server.client() as client:
        client.flows.register(FlowSpec(name="daily", version="1"))
        client.flows.register(FlowSpec(name="daily", version="2", tasks=tasks), namespace="data")


def test_the_newest_version_is_shown_with_its_tasks(dagy: Dagy) -> None:
    ended = dagy("flows", "show", "daily")
    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert {"Flow: daily (version 2)", "Namespace: data", "Status: ACTIVE"} <= set(lines)
    assert lines[-3:] == ["TASK MAPPED DEPENDS ON", "load - -", "step yes load"]


def test_programs_get_the_graph_of_the_version_that_they_name(dagy: Dagy) -> None:
    words = ("flows", "show", "daily", "--flow-version", "1", "--format", "json")
    document = json.loads(dagy(*words).out)
    assert (document["flow_version"], document["flow_spec"]["tasks"]) == ("1", [])


@pytest.mark.parametrize("words", [["weekly"], ["daily", "--flow-version", "9"]])
def test_what_is_not_there_is_exit_5(dagy: Dagy, words: list[str]) -> None:
    ended = dagy("flows", "show", *words)
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.splitlines()[-1] == "hint: Run: dagy flows list"
