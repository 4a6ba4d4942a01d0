from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dagy_client.testing import FakeServer
from dagy_types import RunStatus

Dagy = Callable[..., Any]


@pytest.fixture
def run_id(dagy: Dagy, deployed: FakeServer) -> str:
    with deployed.client() as client:
        return client.runs.trigger("nightly").run_id


def test_the_runs_of_the_server_are_listed_when_they_are_asked_for(
    dagy: Dagy, run_id: str, add_run: Callable[..., str]
) -> None:
    here = add_run()
    listed = json.loads(dagy("runs", "list", "--remote", "--format", "json").out)
    assert [each["run_id"] for each in listed] == [run_id]
    listed = json.loads(dagy("runs", "list", "--format", "json").out)
    assert [each["run_id"] for each in listed] == [here]


def test_a_server_without_runs_says_so(dagy: Dagy, api_server: FakeServer) -> None:
    ended = dagy("runs", "list", "--remote")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "The server has no runs yet. Run: dagy run DEPLOYMENT\n"


def test_a_run_that_is_not_here_is_looked_for_at_the_server(dagy: Dagy, run_id: str) -> None:
    document = json.loads(dagy("runs", "show", run_id, "--format", "json").out)
    assert (document["run_id"], document["status"]) == (run_id, "QUEUED")


def test_what_is_here_is_shown_without_asking_the_server(
    dagy: Dagy, add_run: Callable[..., str], api_server: FakeServer
) -> None:
    assert dagy("runs", "show", add_run()).code == 0
    assert not api_server.requests


def test_a_place_may_be_named(dagy: Dagy, run_id: str, add_run: Callable[..., str]) -> None:
    assert dagy("runs", "show", run_id, "--local").code == 5
    ended = dagy("runs", "show", add_run(), "--remote")
    assert ended.code == 5
    assert ended.err.splitlines()[-1] == "hint: Run: dagy runs list --remote"


def test_what_is_nowhere_is_said_to_be_nowhere(dagy: Dagy, deployed: FakeServer) -> None:
    ended = dagy("runs", "show", "nowhere")
    assert (ended.code, ended.out) == (5, "")
    assert "neither on this machine nor at the server." in ended.err.splitlines()[0]
    assert "dagy runs list --remote" in ended.err.splitlines()[1]


def test_a_run_of_the_server_is_watched_to_its_end(
    dagy: Dagy, run_id: str, carried_out: Callable[..., Any]
) -> None:
    with carried_out(RunStatus.FAILED):
        ended = dagy("runs", "watch", run_id)
    assert ended.code == 10
    assert f"error: Run {run_id} is FAILED." in ended.err
    assert "loading" not in ended.err


def test_a_run_of_the_server_is_cancelled(dagy: Dagy, run_id: str, deployed: FakeServer) -> None:
    ended = dagy("runs", "cancel", run_id)
    assert (ended.code, ended.err) == (0, f"Run {run_id} is CANCELLED.\n")
    with deployed.client() as client:
        assert client.runs.get(run_id).status is RunStatus.CANCELLED
    assert dagy("runs", "cancel", run_id).code == 6


def test_a_run_of_this_machine_is_cancelled_where_it_runs(
    dagy: Dagy, add_run: Callable[..., str]
) -> None:
    ended = dagy("runs", "cancel", add_run())
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.splitlines()[-1] == "hint: It has ended."


def test_a_run_of_the_server_is_retried_and_followed(
    dagy: Dagy, run_id: str, carried_out: Callable[..., Any]
) -> None:
    dagy("runs", "cancel", run_id)
    with carried_out():
        ended = dagy("runs", "retry", run_id)
    assert ended.code == 0
    told, line = ended.err.splitlines()
    assert told.endswith(f"(remote): daily retries {run_id}")
    assert line == "loading"


def test_a_run_of_this_machine_is_resumed_and_not_retried(
    dagy: Dagy, add_run: Callable[..., str]
) -> None:
    run_id = add_run()
    ended = dagy("runs", "retry", run_id)
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.splitlines()[-1] == f"hint: Run: dagy runs resume {run_id}"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ([], ["1", "2", "3", "4"]),
        (["--tail", "2"], ["3", "4"]),
        (["--tail", "9"], ["1", "2", "3", "4"]),
        (["--tail", "1", "-f"], ["4"]),
        (["--task", "load", "-f"], ["1", "2", "3", "4"]),
        (["--since", "1h"], ["1", "2", "3", "4"]),
        (["--since", "2999-01-01"], []),
    ],
)
def test_logs_of_the_server_are_shown_like_those_of_this_machine_cli_18(
    words: list[str],
    lines: list[str],
    dagy: Dagy,
    run_id: str,
    carried_out: Callable[..., Any],
) -> None:
    with carried_out(lines=["1", "2", "3", "4"]):
        dagy("runs", "watch", run_id)
    ended = dagy("logs", run_id, *words, "--format", "jsonl")
    assert (ended.code, ended.err) == (0, "")
    assert [json.loads(line)["message"] for line in ended.out.splitlines()] == lines
