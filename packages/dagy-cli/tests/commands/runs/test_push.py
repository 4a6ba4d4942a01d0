from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from dagy_client.reports import LONGEST_TEXT
from dagy_client.testing import FakeServer
from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, FlowSpec, Run, RunStatus

Dagy = Callable[..., Any]


def _both(dagy: Dagy, *words: str) -> tuple[str, str]:
    """Return what a command says of here, and of the server."""
    here, there = dagy(*words, "--local"), dagy(*words, "--remote")
    assert (here.code, there.code) == (0, 0), here.err + there.err
    return here.out, there.out


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (RunStatus.SUCCEEDED, None),
        (RunStatus.FAILED, None),
        (RunStatus.FAILED, FailureReason.CRASHED),
        (RunStatus.CANCELLED, None),
    ],
)
def test_a_pushed_run_is_the_same_in_both_places(
    dagy: Dagy,
    api_server: FakeServer,
    add_run: Callable[..., str],
    status: RunStatus,
    reason: FailureReason | None,
) -> None:
    run_id = add_run(status=status, reason=reason)
    ended = dagy("runs", "push", run_id)
    assert (ended.code, ended.err) == (
        0,
        f"Run {run_id} is at the server: 2 tasks, 2 messages.\n",
    )
    assert status in ended.out
    here, there = _both(dagy, "runs", "show", run_id, "--format", "json")
    assert json.loads(here) == json.loads(there)
    here, there = _both(dagy, "logs", run_id, "--format", "jsonl")
    assert here == there
    with api_server.client() as client:
        assert [task.task_id for task in client.runs.flow_spec(run_id).tasks] == ["load", "report"]


def test_a_push_may_be_repeated(
    dagy: Dagy, api_server: FakeServer, add_run: Callable[..., str]
) -> None:
    run_id = add_run()
    first = dagy("runs", "push", run_id, "--format", "json")
    second = dagy("runs", "push", run_id, "--format", "json")
    assert (first.code, second.code) == (0, 0), second.err
    assert first.out == second.out
    with api_server.client() as client:
        assert len(list(client.runs.logs(run_id))) == 2


def test_what_is_too_long_for_a_server_is_said_to_be_cut(
    dagy: Dagy, api_server: FakeServer, add_run: Callable[..., str]
) -> None:
    run_id = add_run(message="x" * (LONGEST_TEXT + 1))
    ended = dagy("runs", "push", run_id)
    assert ended.err.splitlines()[1:] == ["1 text was too long for it, and ends with its length."]
    with api_server.client() as client:
        first = next(iter(client.runs.logs(run_id)))
    assert len(first.message) == LONGEST_TEXT


def test_another_run_with_the_id_is_left_alone(
    dagy: Dagy, api_server: FakeServer, add_run: Callable[..., str]
) -> None:
    now = datetime.now(timezone.utc)
    other = Run(
        run_id="run1",
        flow_name="weekly",
        flow_version="1",
        status=RunStatus.SUCCEEDED,
        created_at=now,
    )
    with api_server.client() as client:
        client.runs.push(other, FlowSpec(name="weekly", version="1"))
    ended = dagy("runs", "push", add_run("run1"))
    assert (ended.code, ended.out) == (6, "")
    assert "There is another run 'run1'" in ended.err


def test_a_run_that_is_under_way_is_not_sent(
    dagy: Dagy, api_server: FakeServer, store: LocalMetadataStore
) -> None:
    now = datetime.now(timezone.utc)
    run = Run(
        run_id="live1",
        flow_name="daily",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=now,
        started_at=now,
    )
    store.create_run(run, FlowSpec(name="daily", version="1"))
    ended = dagy("runs", "push", "live1")
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.splitlines() == [
        "error: Run live1 is RUNNING: it can be sent once it has ended.",
        "hint: Run: dagy runs watch live1",
    ]
    assert not api_server.requests


def test_a_run_that_is_not_here_is_not_asked_for_elsewhere(
    dagy: Dagy, api_server: FakeServer
) -> None:
    ended = dagy("runs", "push", "nowhere")
    assert (ended.code, ended.out) == (5, "")
    assert not api_server.requests
