from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_server.flow_graph import Choice, FlowGraph, Position, graph_of
from dagy_types import FlowSpec, TaskSpec, flow_spec_to_json
from dagy_types.errors import NotFoundError

_SPEC = FlowSpec(
    name="daily",
    tasks=(
        TaskSpec(task_id="load", name="load"),
        TaskSpec(task_id="part", name="part", depends_on=("load",), is_mapped=True),
        TaskSpec(task_id="save", name="save", depends_on=("part",)),
        TaskSpec(task_id="save-2", name="save", depends_on=("part",)),
    ),
)
_GRAPH = FlowGraph(_SPEC)


def test_a_graph_is_read_once_and_kept() -> None:
    text = flow_spec_to_json(_SPEC)
    assert graph_of(text) is graph_of(str(text.encode(), "utf-8"))
    assert graph_of(text).tasks == _SPEC.tasks


def test_a_task_is_found_by_its_id_and_a_child_by_its_mapped_task() -> None:
    assert _GRAPH.find("r", "save") is _SPEC.tasks[2]
    assert _GRAPH.find("r", "part") is _SPEC.tasks[1]
    assert _GRAPH.find("r", "part[7]") is _SPEC.tasks[1]
    assert _GRAPH.mapped_ids == ["part"]


@pytest.mark.parametrize(
    "task_id", ["", "x", "load[0]", "x[0]", "part[01]", "part[-1]", "part[0][0]"]
)
def test_what_the_flow_does_not_have_is_not_found(task_id: str) -> None:
    with pytest.raises(NotFoundError, match="Run 'r' has no task"):
        _GRAPH.find("r", task_id)
    with pytest.raises(NotFoundError, match="Run 'r' has no task"):
        _GRAPH.choose("r", task_id)


@pytest.mark.parametrize(
    ("task", "choice"),
    [
        ("load", Choice(("load",))),
        ("save", Choice(("save", "save-2"))),
        ("save-2", Choice(("save-2",))),
        ("part", Choice(("part",))),
        ("part[3]", Choice(("part",), child="part[3]")),
    ],
)
def test_tasks_are_chosen_by_id_or_by_name_or_by_child(task: str, choice: Choice) -> None:
    assert _GRAPH.choose("r", task) == choice


def test_tasks_are_listed_in_the_order_of_the_flow_with_their_children() -> None:
    ids = [each[2] for each in _GRAPH.positions({"part": 2}, start=Position())]
    assert ids == ["load", "part", "part[0]", "part[1]", "save", "save-2"]


@given(st.dictionaries(st.just("part"), st.integers(0, 5)), st.integers(0, 8))
def test_a_list_goes_on_at_any_place(sizes: dict[str, int], begin: int) -> None:
    whole = list(_GRAPH.positions(sizes, start=Position()))
    for position, _, _ in whole[begin : begin + 1]:
        assert list(_GRAPH.positions(sizes, start=position)) == whole[begin:]


def test_children_that_came_to_be_meanwhile_are_in_the_rest_of_the_list() -> None:
    ids = [each[2] for each in _GRAPH.positions({"part": 1}, start=Position(1, 0))]
    assert ids == ["part[0]", "save", "save-2"]
