from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from enum import IntEnum
from pathlib import Path

import pytest
import yaml

from dagy_cli.render import json_text, table_text, yaml_text
from dagy_cli.render.view import Surface
from dagy_cli.replay_view import json_value, replay_view
from dagy_types import TaskRun


class Color(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"rows": [1, None]}, {"rows": [1, None]}),
        ((1, Color.RED), [1, 1]),
        (date(2026, 11, 1), "datetime.date(2026, 11, 1)"),
        ([math.nan], "[nan]"),
        ({1, 2}, "{1, 2}"),
        (None, None),
    ],
)
def test_a_value_is_json_or_else_as_python_writes_it(value: object, expected: object) -> None:
    assert json_value(value) == expected


def test_a_value_that_holds_itself_is_no_json() -> None:
    value: list[object] = []
    value.append(value)
    assert json_value(value) == "[[...]]"


def test_programs_get_the_task_what_changed_and_the_value(
    make_task: Callable[..., TaskRun],
) -> None:
    view = replay_view(make_task("step[3]"), ("python 3.10, now 3.11",), (1, Color.RED), width=80)
    document = json.loads("".join(json_text.chunks(view, Surface())))
    assert document == {
        "run_id": "r1",
        "task_id": "step[3]",
        "differences": ["python 3.10, now 3.11"],
        "value": [1, 1],
    }
    assert yaml.safe_load("".join(yaml_text.chunks(view, Surface()))) == document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines \x1b[2J", "two\nlines \\x1b[2J\n"),
        (Path("out/report.md"), "out/report.md\n"),
        ({"b": 1, "a": date(2026, 1, 1)}, "{'b': 1, 'a': datetime.date(2026, 1, 1)}\n"),
        (["x" * 30, "y" * 30], f"['{'x' * 30}',\n '{'y' * 30}']\n"),
    ],
)
def test_people_get_text_bare_and_anything_else_laid_out(
    value: object, text: str, make_task: Callable[..., TaskRun]
) -> None:
    view = replay_view(make_task("x"), (), value, width=40)
    assert "".join(table_text.chunks(view, Surface())) == text
