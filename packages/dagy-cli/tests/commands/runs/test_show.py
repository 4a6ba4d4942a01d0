from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest


def test_show_has_the_run_and_its_tasks(
    dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    add_run("a")
    lines = dagy("runs", "show", "a").out.splitlines()
    assert lines[0] == "Run:         a"
    assert lines[lines.index("") + 1].split() == [
        "TASK",
        "STATUS",
        "ATTEMPT",
        "DURATION",
        "NOTE",
    ]
    document = json.loads(dagy("runs", "show", "a", "--format", "json").out)
    assert [task["status"] for task in document["tasks"]] == ["SUCCEEDED", "FAILED"]


def test_an_unknown_run_is_named(dagy: Callable[..., Any]) -> None:
    ended = dagy("runs", "show", "nope")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("error: There is no run 'nope'")
    assert len(ended.err.splitlines()) <= 3


def test_gantt_shows_when_each_task_ran_as_wide_as_the_terminal(
    dagy: Callable[..., Any], add_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = dagy("runs", "show", add_run(), "--gantt").out.splitlines()
    assert lines[lines.index("") + 1 :] == [
        "       0              2 s",
        "load   ████████                       1.0 s",
        "report        ███████████████         2.0 s FAILED",
    ]


def test_programs_get_the_same_document_with_and_without_gantt(
    dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    words = ["runs", "show", add_run(), "--format", "json"]
    assert dagy(*words).out == dagy(*words, "--gantt").out


def test_a_stream_that_takes_only_ascii_gets_bars_of_it(
    process: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    words = ["runs", "show", add_run(), "--gantt"]
    ended = process(*words, environ={"PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 0
    assert "load   ####" in ended.stdout
    assert ended.stdout.isascii()


def test_svg_writes_the_timeline_and_says_where(
    dagy: Callable[..., Any], add_run: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "run.svg"
    ended = dagy("runs", "show", add_run(), "--svg", str(file))
    assert (ended.code, ended.err) == (0, f"The timeline is in {file}\n")
    assert ElementTree.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_picture_that_cannot_be_written_is_exit_9_and_leaves_stdout_empty(
    dagy: Callable[..., Any], add_run: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "absent" / "run.svg"
    ended = dagy("runs", "show", add_run(), "--svg", str(file))
    assert (ended.code, ended.out) == (9, "")
    assert ended.err.splitlines() == [
        f"error: {file} cannot be written: No such file or directory.",
        "hint: Check --svg.",
    ]


def test_children_are_collapsed_unless_they_are_asked_for(
    dagy: Callable[..., Any], add_mapped_run: Callable[..., str]
) -> None:
    run_id = add_mapped_run(children=30, failures=1)
    lines = dagy("runs", "show", run_id).out.splitlines()
    table = lines[lines.index("") + 1 :]
    assert [line.split()[0] for line in table[:-1]] == ["TASK", "load", "step", "step[29]"]
    assert "29/30 done: Boom" in table[2]
    assert table[-1] == f"29 more tasks: dagy runs show {run_id} --children"
    lines = dagy("runs", "show", run_id, "--children").out.splitlines()
    assert len(lines[lines.index("") + 1 :]) == 1 + 32


def test_programs_get_all_children_in_any_case(
    dagy: Callable[..., Any], add_mapped_run: Callable[..., str]
) -> None:
    words = ["runs", "show", add_mapped_run(children=30), "--format", "json"]
    assert len(json.loads(dagy(*words).out)["tasks"]) == 32
    assert dagy(*words).out == dagy(*words, "--children").out


@pytest.mark.parametrize(("words", "bars"), [([], 2), (["--children"], 5)])
def test_gantt_and_svg_collapse_children_too(
    words: list[str],
    bars: int,
    dagy: Callable[..., Any],
    add_mapped_run: Callable[..., str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "run.svg"
    run_id = add_mapped_run(children=3, failures=0)
    lines = dagy("runs", "show", run_id, "--gantt", "--svg", str(file), *words).out.splitlines()
    assert len(lines[lines.index("") + 2 :]) == bars
    assert len(ElementTree.parse(file).getroot().findall("{http://www.w3.org/2000/svg}g")) == bars
