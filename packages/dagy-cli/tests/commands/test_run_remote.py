from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_client.testing import FakeServer
from dagy_types import FailureReason, RunStatus

Dagy = Callable[..., Any]


def test_a_deployment_is_followed_to_its_end(
    dagy: Dagy, carried_out: Callable[..., Any], deployed: FakeServer
) -> None:
    with carried_out(lines=["loading", "loaded"]):
        ended = dagy("run", "nightly", "--param", "count=3", "--param", "day=2026-11-01")
    assert ended.code == 0, ended.err
    with deployed.client() as client:
        (run,) = client.runs.list()
    assert run.parameters == {"count": 3, "day": "2026-11-01"}
    assert ended.err.splitlines() == [
        f"Run {run.run_id} (remote): daily as nightly",
        "loading",
        "loaded",
    ]
    assert f"Run {run.run_id} SUCCEEDED" in ended.out


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (RunStatus.FAILED, None, 10),
        (RunStatus.CANCELLED, None, 11),
        (RunStatus.FAILED, FailureReason.TIMED_OUT, 12),
        (RunStatus.FAILED, FailureReason.CRASHED, 13),
    ],
)
def test_the_outcome_is_the_exit_code_cli_08(
    status: RunStatus,
    reason: FailureReason | None,
    code: int,
    dagy: Dagy,
    carried_out: Callable[..., Any],
) -> None:
    with carried_out(status, reason=reason):
        assert dagy("run", "nightly").code == code


def test_programs_get_the_id_in_the_first_document_and_the_end_in_the_second_cli_19(
    dagy: Dagy, carried_out: Callable[..., Any]
) -> None:
    with carried_out():
        ended = dagy("run", "nightly", "--format", "jsonl")
    first, second = map(json.loads, ended.out.splitlines())
    assert (first["status"], second["status"]) == ("QUEUED", "SUCCEEDED")
    assert first["run_id"] == second["run_id"]


def test_the_same_idempotency_key_is_the_same_run_cli_19(dagy: Dagy, deployed: FakeServer) -> None:
    words = ("run", "nightly", "--detach", "--idempotency-key", "once", "--format", "json")
    first, second = dagy(*words), dagy(*words)
    assert (first.code, second.code) == (0, 0)
    assert json.loads(first.out)["run_id"] == json.loads(second.out)["run_id"]


def test_who_does_not_wait_learns_how_to_follow(dagy: Dagy, deployed: FakeServer) -> None:
    ended = dagy("run", "nightly", "--detach")
    assert ended.code == 0
    assert "Status:      QUEUED" in ended.out
    assert ended.err.splitlines()[-1].startswith("Follow it with: dagy runs watch ")


def test_when_the_time_is_up_the_run_goes_on(dagy: Dagy, deployed: FakeServer) -> None:
    ended = dagy("run", "nightly", "--timeout", "0.1")
    assert ended.code == 124
    with deployed.client() as client:
        (run,) = client.runs.list()
    assert run.status is RunStatus.QUEUED
    assert ended.err.splitlines()[-1] == f"hint: Re-attach with: dagy runs watch {run.run_id}"


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_go_on_cli_10(
    deployed: FakeServer,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    process = spawn(command_line("run", "nightly"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.readline()
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - begun < 5  # the criterion, 500 ms, is measured when nothing else runs
    run_id = told.split()[1]
    assert err.splitlines() == [
        f"Run {run_id} continues; re-attach with: dagy runs watch {run_id}",
        f"Stop it with: dagy runs cancel {run_id}",
    ]
    with deployed.client() as client:
        assert client.runs.get(run_id).status is RunStatus.QUEUED


def test_an_unknown_deployment_is_exit_5(dagy: Dagy, deployed: FakeServer) -> None:
    ended = dagy("run", "weekly")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.splitlines()[-1].startswith("hint: Run: dagy deployments list.")


def test_a_bare_name_without_a_server_is_explained(dagy: Dagy, local_dir: Path) -> None:
    ended = dagy("run", "nightly")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "error: 'nightly' would be a deployment, and no server is known: DAGY_API_URL is not set, "
        "and no profile has an api_url.",
        "hint: A flow in a file is PATH.py:FLOW, for example etl.py:daily.",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["nightly", "--executor", "threads"],
        ["nightly", "--max-workers", "2"],
        ["nightly", "--no-fail-fast"],
        ["etl.py", "--remote", "--fail-fast"],
        ["etl.py", "--detach"],
        ["etl.py:daily", "--wait"],
        ["./etl.py", "--timeout", "3"],
        ["nightly", "--local", "--idempotency-key", "k"],
    ],
)
def test_an_option_of_the_other_place_is_refused(
    words: list[str], dagy: Dagy, api_server: FakeServer
) -> None:
    ended = dagy("run", *words)
    assert (ended.code, ended.out) == (2, "")
    assert "has no meaning here" in ended.err
    assert not api_server.requests
