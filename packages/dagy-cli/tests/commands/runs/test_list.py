from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml

from dagy_types import RunStatus


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["c", "b", "a"]),
        (["--flow", "hourly"], ["b"]),
        (["--status", "succeeded"], ["c"]),
        (["--since", "2026-11-02T00:00Z"], ["c", "b"]),
        (["--sort", "created"], ["a", "b", "c"]),
        (["--sort", "-started"], ["c", "b", "a"]),
        (["--sort=started"], ["a", "b", "c"]),
        (["--cursor", "c"], ["b", "a"]),
        (["--cursor", "b", "--sort", "created"], ["c"]),
    ],
)
def test_list_shows_the_newest_first_and_filters(
    words: list[str], found: list[str], dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    day = datetime(2026, 11, 1, tzinfo=timezone.utc)
    add_run("a", created_at=day)
    add_run("b", created_at=day + timedelta(days=1), flow_name="hourly")
    add_run("c", created_at=day + timedelta(days=2), status=RunStatus.SUCCEEDED)
    ended = dagy("runs", "list", *words, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert [run["run_id"] for run in json.loads(ended.out)] == found


@pytest.mark.parametrize("form", ["table", "json"])
def test_cli_28_a_list_says_how_to_go_on(
    form: str, dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    for number in range(5):
        add_run(f"r{number}", created_at=datetime(2026, 11, 1 + number, tzinfo=timezone.utc))
    ended = dagy("runs", "list", "--limit", "2", "--format", form)
    assert ended.err == "There are more: --cursor r3\n"
    assert "r3" in ended.out
    assert "r2" not in ended.out
    ended = dagy("runs", "list", "--limit", "3", "--format", form, "--cursor", "r3")
    assert ended.err == ""
    assert "r0" in ended.out


def test_cli_28_a_list_cannot_go_on_after_a_run_that_is_not_there(
    dagy: Callable[..., Any],
) -> None:
    ended = dagy("runs", "list", "--cursor", "absent")
    assert ended.code == 5
    assert ended.err == (
        "error: The list cannot go on after run 'absent': it has no such run.\n"
        "hint: Begin with the first one, without a cursor.\n"
    )


@pytest.mark.parametrize("option", ["--sort", "--status"])
def test_cli_28_a_word_that_is_no_value_of_an_option_is_refused(
    option: str, dagy: Callable[..., Any]
) -> None:
    ended = dagy("runs", "list", option, "weekly")
    assert ended.code == 2
    assert "created, -created" in ended.err or "QUEUED, RUNNING" in ended.err


def test_each_format_lists_the_same_run(
    dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    add_run("a")
    (as_json,) = json.loads(dagy("runs", "list", "--format", "json").out)
    assert as_json["parameters"] == {"day": "2026-11-01", "tags": ["a", "b"]}
    assert json.loads(dagy("runs", "list", "--format", "jsonl").out) == as_json
    assert yaml.safe_load(dagy("runs", "list", "--format", "yaml").out) == [as_json]
    (row,) = csv.DictReader(io.StringIO(dagy("runs", "list", "--format", "csv").out))
    assert (row["run_id"], json.loads(row["parameters"])) == ("a", as_json["parameters"])
    assert dagy("runs", "list").out.splitlines()[1].startswith("a    daily  FAILED")


def test_without_runs_people_are_told_how_to_make_one(dagy: Callable[..., Any]) -> None:
    told = "No runs are recorded yet. Run: dagy run PATH.py:FLOW\n"
    assert dagy("runs", "list").err == told
    assert dagy("runs", "list", "--quiet").err == ""
    assert dagy("runs", "list", "--flow", "x").err == "No run matches.\n"
    ended = dagy("runs", "list", "--format", "json")
    assert (ended.out, ended.err) == ("[]\n", "")
