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
        (["--limit", "2"], ["c", "b"]),
        (["--flow", "hourly"], ["b"]),
        (["--status", "succeeded"], ["c"]),
        (["--since", "2026-11-02T00:00Z"], ["c", "b"]),
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
