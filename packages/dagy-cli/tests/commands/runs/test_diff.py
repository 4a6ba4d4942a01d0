from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Run, RunStatus


def test_runs_that_are_the_same_are_exit_0(
    dagy: Callable[..., Any], add_mapped_run: Callable[..., str]
) -> None:
    ended = dagy("runs", "diff", add_mapped_run("one"), add_mapped_run("other"))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == ("Runs one and other are the same: 5 tasks.\nDurations: 4.0 s and 4.0 s\n")


def test_runs_that_differ_are_exit_8_and_the_first_task_that_does_is_named(
    dagy: Callable[..., Any], add_mapped_run: Callable[..., str]
) -> None:
    words = [add_mapped_run("one", value=b"1"), add_mapped_run("other", value=b"2", failures=0)]
    ended = dagy("runs", "diff", *words, "--format", "json")
    document = json.loads(ended.out)
    assert (ended.code, document["first_divergent_task"]) == (8, "load")
    differing = {
        task["task_id"]: [each["what"] for each in task["differences"]]
        for task in document["tasks"]
        if not task["is_same"]
    }
    assert differing == {
        "load": ["output"],
        "step": ["status", "error"],
        "step[0]": ["output"],
        "step[1]": ["output"],
        "step[2]": ["status", "output", "error"],
    }
    ended = dagy("runs", "diff", *words)
    assert ended.code == 8
    assert "First task that differs: load\n" in ended.out


def test_a_run_that_goes_on_may_still_change(
    dagy: Callable[..., Any], add_run: Callable[..., str], store: LocalMetadataStore
) -> None:
    moment = datetime(2026, 11, 1, tzinfo=timezone.utc)
    run = Run(
        run_id="live",
        flow_name="daily",
        flow_version="latest",
        status=RunStatus.RUNNING,
        created_at=moment,
    )
    store.create_run(run, FlowSpec(name="daily"))
    ended = dagy("runs", "diff", add_run(), "live")
    assert ended.code == 8
    assert ended.err == "Run live has not ended: what it shows may still change.\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["run1", "run1"], 2, "error: Both are run 'run1'."),
        (["run1", "nope"], 5, "error: There is no run 'nope'"),
        (["nope", "run1"], 5, "error: There is no run 'nope'"),
        (["run1"], 2, "error: The following arguments are required: B."),
    ],
)
def test_bad_input_is_three_lines_at_most(
    words: list[str],
    code: int,
    message: str,
    dagy: Callable[..., Any],
    add_run: Callable[..., str],
) -> None:
    add_run("run1")
    ended = dagy("runs", "diff", *words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(message)
    assert len(ended.err.splitlines()) <= 3
