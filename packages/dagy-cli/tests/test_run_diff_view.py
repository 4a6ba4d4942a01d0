from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from dagy_cli.render.table_text import chunks
from dagy_cli.render.view import Surface
from dagy_cli.run_diff import Difference, RunDiff, TaskDiff
from dagy_cli.run_diff_view import run_diff_document, run_diff_view
from dagy_store import LocalMetadataStore

RUN_DIFFERENCES = (
    Difference("flow_code", "a" * 64, "b" * 64),
    Difference("parameter", "2026-11-01", None, "day"),
    Difference("environment", None, "3.12.1", "python"),
)
LOAD = TaskDiff("load", "both", (), (1.0, 2.0))
STEP = TaskDiff(
    "step",
    "both",
    (Difference("output", 4, 4), Difference("depends_on", ["load"], [])),
    (1.0, 61.0),
)


@pytest.fixture
def diff(store: LocalMetadataStore, add_run: Callable[..., str]) -> RunDiff:
    a, b = (store.get_run(add_run(run_id)) for run_id in ("run1", "run2"))
    gone = TaskDiff("gone", "a", (), (None, None))
    new = TaskDiff("new", "b", (Difference("output", 4, 5),), (None, 0.5))
    return RunDiff(a=a, b=b, differences=RUN_DIFFERENCES, tasks=[LOAD, STEP, gone, new])


def _text(diff: RunDiff, width: int | None = None) -> str:
    return "".join(chunks(run_diff_view(diff), Surface(width=width)))


def test_people_see_what_differs_and_how_long_that_took(diff: RunDiff) -> None:
    assert _text(diff) == (
        "TASK   WHAT                run1          run2\n"
        "(run)  flow code           aaaaaaaaaaaa  bbbbbbbbbbbb\n"
        "(run)  parameter day       2026-11-01    null\n"
        "(run)  environment python  -             3.12.1\n"
        "step   output              4 bytes       same size, other bytes\n"
        "step   depends on          load          -\n"
        "step   (duration)          1.0 s         1 m 01 s\n"
        "gone   task                only here     -\n"
        "new    task                -             only here\n"
        "Runs run1 and run2 differ: 3 of 4 tasks.\n"
        "First task that differs: step\n"
        "Durations: 4.0 s and 4.0 s\n"
    )


def test_a_terminal_of_80_columns_has_room(diff: RunDiff) -> None:
    long = Difference("error", "x" * 300, "y" * 300)
    lines = _text(replace(diff, differences=(long,)), width=80).splitlines()
    assert max(map(len, lines)) <= 80


def test_runs_that_are_the_same_are_said_to_be(diff: RunDiff) -> None:
    assert _text(replace(diff, differences=(), tasks=[LOAD])) == (
        "Runs run1 and run2 are the same: 1 task.\nDurations: 4.0 s and 4.0 s\n"
    )


def test_of_many_children_that_differ_people_see_the_first(diff: RunDiff) -> None:
    children = [
        TaskDiff(f"{name}[{n}]", "both", (Difference("attempts", 1, 2),), (None, None))
        for name in ("one", "two")
        for n in range(30)
    ]
    same = replace(children[0], task_id="one[30]", differences=())
    lines = _text(replace(diff, tasks=[*children[:30], same, *children[30:]])).splitlines()
    assert sum(line.startswith("one[") for line in lines) == 2 * 10
    assert [line.split() for line in lines if line.startswith("...")] == [["...", "20", "more"]] * 2


def test_the_document_has_every_task_and_one_shape(diff: RunDiff) -> None:
    document = run_diff_document(diff)
    assert json.loads(json.dumps(document)) == document
    assert {key: value for key, value in document.items() if key != "tasks"} == {
        "run_a": "run1",
        "run_b": "run2",
        "is_same": False,
        "first_divergent_task": "step",
        "duration_seconds": {"a": 4.0, "b": 4.0},
        "differences": [
            {"what": "flow_code", "name": None, "a": "a" * 64, "b": "b" * 64},
            {"what": "parameter", "name": "day", "a": "2026-11-01", "b": None},
            {"what": "environment", "name": "python", "a": None, "b": "3.12.1"},
        ],
    }
    assert [task["in"] for task in document["tasks"]] == ["both", "both", "a", "b"]
    assert document["tasks"][1] == {
        "task_id": "step",
        "in": "both",
        "is_same": False,
        "differences": [
            {"what": "output", "name": None, "a": 4, "b": 4},
            {"what": "depends_on", "name": None, "a": ["load"], "b": []},
        ],
        "duration_seconds": {"a": 1.0, "b": 61.0},
    }


def test_the_document_of_the_same_runs_names_no_task(diff: RunDiff) -> None:
    document = run_diff_document(replace(diff, differences=(), tasks=[LOAD]))
    assert (document["is_same"], document["first_divergent_task"]) == (True, None)
