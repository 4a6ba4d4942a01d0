from __future__ import annotations

import json
from typing import Any

import pytest

from dagy import flow, task
from dagy._fan_out import FanOut, fan_out
from dagy._serializers import Serializers
from dagy_types import Input, Output
from dagy_types.errors import ArtifactError, UsageError

SERIALIZERS = Serializers([])


def encoded(value: Any) -> Output:
    return Output(json.dumps(value).encode(), "json")


@task
def give(value: Any) -> Any:
    return value


@task
def step(*items: Any, by: Any = None, why: Any = None) -> Any: ...


def children_of(make: Any, *, keeps_outputs: bool = True, **inputs: Input) -> FanOut:
    """Trace a flow in which `step` is mapped, and fan it out over these outputs."""
    graph = flow(make).trace({})
    return fan_out(graph.calls["step"], inputs, SERIALIZERS, keeps_outputs=keeps_outputs)


def test_each_child_gets_its_item_of_what_an_upstream_task_returned() -> None:
    children = children_of(lambda: step.map(give(0)), give=encoded([5, [6]]))
    assert children.size == 2
    assert [children.items(index) for index in range(2)] == [(encoded(5),), (encoded([6]),)]
    assert children.inputs_of(0) == {}


def test_the_outputs_of_a_mapped_task_are_handed_on_one_by_one() -> None:
    children = children_of(lambda: step.map(give.map([1])), give=(encoded(1), encoded(2)))
    assert [children.items(index) for index in range(2)] == [(encoded(1),), (encoded(2),)]


def test_whoever_performs_the_attempt_has_the_constants_already() -> None:
    children = children_of(lambda: step.map(["a", "b"], give(0)), give=encoded((1, 2)))
    assert children.items(1) == (None, encoded(2))


def test_what_all_children_share_is_handed_to_each_whole() -> None:
    def shared() -> Any:
        return step.map([give(1), 7], by=give(2), why=[give(3)])

    outputs = {"give": encoded(1), "give-2": encoded(2), "give-3": encoded(3)}
    children = children_of(shared, **outputs)
    assert children.inputs_of(0) == outputs
    assert children.items(0) == (None,)


def test_an_empty_list_has_no_children() -> None:
    children = children_of(lambda: step.map(give(0)), give=encoded([]))
    assert (children.size, children.remaining, children.outputs) == (0, 0, ())


@pytest.mark.parametrize("value", [3, "text", None, {"a": 1}])
def test_what_is_no_list_cannot_be_mapped_over(value: Any) -> None:
    with pytest.raises(
        UsageError, match=r"'step' maps over what 'give' returned, .*must be a list"
    ):
        children_of(lambda: step.map(give(0)), give=encoded(value))


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="lists of different lengths: 2, 3"):
        children_of(lambda: step.map([1, 2], give(0)), give=encoded([1, 2, 3]))


def test_a_value_that_cannot_be_restored_is_told() -> None:
    with pytest.raises(ArtifactError):
        children_of(lambda: step.map(give(0)), give=Output(b"1", "unheard-of"))


def test_the_outputs_stand_in_the_order_of_the_items_whatever_ends_first() -> None:
    children = children_of(lambda: step.map(give(0)), give=encoded([1, 2, 3]))
    children.succeed(2, encoded("c"))
    children.succeed(0, encoded("a"))
    assert children.remaining == 1
    assert children.outputs == (encoded("a"), encoded("c"))


def test_failures_and_cancellations_are_counted() -> None:
    children = children_of(lambda: step.map(give(0)), give=encoded([1, 2, 3]))
    children.fail()
    assert (children.failed, children.is_cancelled) == (1, False)
    children.cancel()
    children.succeed(0, None)
    assert (children.failed, children.is_cancelled, children.remaining) == (1, True, 0)


def test_outputs_that_nobody_will_ask_for_are_not_kept() -> None:
    children = children_of(lambda: step.map(give(0)), keeps_outputs=False, give=encoded([1]))
    children.succeed(0, encoded("a"))
    assert children.outputs == ()
