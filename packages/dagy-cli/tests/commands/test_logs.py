from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, LogRecord, Run, RunEnd, RunStatus

MOMENT = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


def test_lines_are_for_people(dagy: Callable[..., Any], add_run: Callable[..., str]) -> None:
    add_run("a", message="first\nsecond\x07")
    first, second, third = dagy("logs", "a").out.splitlines()
    assert first.endswith("INFO    load first")
    assert second == "    second\\x07"
    assert third.endswith("ERROR   - Boom")


def test_json_is_exact(dagy: Callable[..., Any], add_run: Callable[..., str]) -> None:
    add_run("a", message="first\nsecond\x07\u202e")
    records = json.loads(dagy("logs", "a", "--format", "json").out)
    assert [record["message"] for record in records] == ["first\nsecond\x07\u202e", "Boom"]


def test_one_task_can_be_asked_for(dagy: Callable[..., Any], add_run: Callable[..., str]) -> None:
    add_run("a")
    (record,) = json.loads(dagy("logs", "a", "--task", "load", "--format", "json").out)
    assert record["task_id"] == "load"


@pytest.mark.parametrize("words", [["nope"], ["a", "--task", "nope"]])
@pytest.mark.parametrize("output_format", ["table", "json"])
def test_what_is_not_there_is_named(
    words: list[str], output_format: str, dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    add_run("a")
    ended = dagy("logs", *words, "--format", output_format)
    assert (ended.code, ended.out) == (5, "")
    assert "'nope'" in ended.err


@pytest.mark.parametrize("output_format", ["table", "jsonl", "json"])
def test_following_shows_lines_at_once_and_ends_with_the_run(
    output_format: str,
    store: LocalMetadataStore,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    def say(message: str) -> None:
        record = LogRecord(run_id="a", at=MOMENT, level="INFO", logger="x", message=message)
        store.append_logs("a", [record])

    run = Run(
        run_id="a",
        flow_name="f",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=MOMENT,
        started_at=MOMENT,
    )
    store.create_run(run, FlowSpec(name="f"))
    say("first")
    command = command_line("logs", "a", "--follow", "--format", output_format)
    process = spawn(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    text = process.stdout.readline()
    if output_format == "json":
        assert text == "[\n"
        text += process.stdout.read(len('{"run_id": "a"'))
    else:
        assert "first" in text
    say("second")
    store.finish_run("a", RunEnd(status=RunStatus.SUCCEEDED, ended_at=MOMENT))
    text += process.stdout.read()
    assert process.wait(30) == 0
    assert text.index("first") < text.index("second")
    if output_format == "json":
        assert [record["message"] for record in json.loads(text)] == ["first", "second"]


def test_the_lines_of_a_mapped_task_are_those_of_its_children(
    dagy: Callable[..., Any], add_mapped_run: Callable[..., str]
) -> None:
    run_id = add_mapped_run(children=12)

    def said(task: str) -> list[str]:
        records = json.loads(dagy("logs", run_id, "--task", task, "--format", "json").out)
        return [record["message"] for record in records]

    assert said("step") == ["here is step[0]", "here is step[11]"]
    assert said("step[11]") == ["here is step[11]"]
    assert dagy("logs", run_id, "--task", "step[12]").code == 5
