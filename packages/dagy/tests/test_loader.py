from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagy.loader import load_flow
from dagy_types.errors import FlowDefinitionError, NotFoundError, UsageError

ONE = "from dagy import flow\n@flow(name='daily')\ndef etl():\n    return 1\n"
TWO = ONE + "@flow\ndef other():\n    return 2\n"


@pytest.fixture(autouse=True)
def import_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", sys.path[:])
    modules = set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(text: str, name: str = "pipeline.py") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write_file


def test_a_flow_is_found_by_variable_by_name_and_alone(write: Any) -> None:
    path = write(ONE)
    assert load_flow(f"{path}:etl").name == "daily"
    assert load_flow(f"{path}:daily").name == "daily"
    assert load_flow(path).name == "daily"


def test_neighbours_of_the_file_can_be_imported(write: Any) -> None:
    write("answer = 42\n", "helper_module.py")
    path = write("from helper_module import answer\n" + ONE)
    assert load_flow(path).name == "daily"


def test_a_file_named_like_a_module_of_python_does_not_take_its_place(write: Any) -> None:
    import json

    assert load_flow(write(ONE, "json.py")).name == "daily"
    assert sys.modules["json"] is json


@pytest.mark.parametrize("target", ["daily", "etl:daily", "pipeline.txt:daily", ""])
def test_another_form_of_target_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="does not name a flow in a Python file"):
        load_flow(target)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(NotFoundError, match=r"There is no file nowhere/flow\.py"):
        load_flow("nowhere/flow.py:f")


def test_a_missing_flow_is_told_with_those_that_are_there(write: Any) -> None:
    with pytest.raises(NotFoundError, match="There is no flow 'dayly' in") as caught:
        load_flow(f"{write(TWO)}:dayly")
    assert caught.value.hint == "The flows there: etl, other."


def test_several_flows_and_none_named_are_listed(write: Any) -> None:
    with pytest.raises(UsageError, match="holds 2 flows: etl, other") as caught:
        load_flow(write(TWO))
    assert str(caught.value.hint).endswith("pipeline.py:etl")


def test_a_file_without_flows_says_so(write: Any) -> None:
    with pytest.raises(NotFoundError, match="There is no flow in"):
        load_flow(write("x = 1\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\nraise LookupError('gone')\n", r"LookupError: gone \(pipeline.py:2\)"),
        ("import not_a_module_at_all\n", r"ModuleNotFoundError.*\(pipeline.py:1\)"),
        ("def broken(:\n", r"SyntaxError: invalid syntax \(pipeline.py, line 1\)\.$"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3"),
        (
            "from dagy import flow\n@flow\ndef f(*x): ...\n",
            r"imported: Flow 'f': parameter 'x' takes any .* values \(pipeline.py:[23]\)",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_with_the_place(
    write: Any, text: str, told: str
) -> None:
    path = write(text)
    with pytest.raises(FlowDefinitionError, match=told):
        load_flow(path)
    assert "pipeline" not in sys.modules
