from __future__ import annotations

import pytest

from dagy._output_shelf import OutputShelf
from dagy_types import FlowSpec, Output, TaskSpec

ONE, TWO = Output(b"1", "json"), Output(b"2", "json")


def shelf(outputs: str = "", **upstream: str) -> OutputShelf:
    tasks = (TaskSpec(task_id=i, name=i, depends_on=tuple(u)) for i, u in upstream.items())
    return OutputShelf(FlowSpec(name="f", tasks=tuple(tasks), outputs=tuple(outputs)))


def test_a_task_gets_what_its_upstream_returned() -> None:
    outputs = shelf(a="", m="", b="am")
    outputs.put("a", ONE)
    outputs.put("m", (ONE, TWO))
    assert outputs.inputs_of("b") == {"a": ONE, "m": (ONE, TWO)}
    assert outputs.input_of("a") == ONE
    assert outputs.inputs_of("a") == {}


def test_an_output_is_let_go_when_the_last_that_needs_it_is_settled() -> None:
    outputs = shelf(a="", b="a", c="a")
    outputs.put("a", ONE)
    outputs.settle("b")
    assert outputs.inputs_of("c") == {"a": ONE}
    outputs.settle("c")
    with pytest.raises(KeyError):
        outputs.input_of("a")


def test_the_outputs_of_the_result_are_kept_for_good() -> None:
    outputs = shelf(outputs="a", a="", b="a")
    outputs.put("a", ONE)
    outputs.settle("b")
    assert outputs.kept == {"a": ONE}


def test_what_nobody_needs_is_not_kept_at_all() -> None:
    outputs = shelf(outputs="b", a="", b="", c="b")
    assert [outputs.needs(each) for each in "abc"] == [False, True, False]
    outputs.put("a", ONE)
    assert outputs.kept == {}
    with pytest.raises(KeyError):
        outputs.input_of("a")


def test_a_task_that_left_no_output_is_settled_like_any_other() -> None:
    outputs = shelf(a="", b="a")
    outputs.settle("b")
    assert outputs.kept == {}
