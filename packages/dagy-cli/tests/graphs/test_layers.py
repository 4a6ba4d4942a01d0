from __future__ import annotations

import pytest

from dagy_cli.graphs.layers import label_lines, layers_of
from dagy_types import FlowSpec, TaskSpec


def _task(task_id: str, *depends_on: str) -> TaskSpec:
    return TaskSpec(task_id=task_id, name=task_id, depends_on=depends_on)


def test_a_task_is_one_layer_below_its_lowest_upstream() -> None:
    spec = FlowSpec(name="f", tasks=(_task("a"), _task("b", "a"), _task("c", "a", "b"), _task("d")))
    ids = [[task.task_id for task in layer] for layer in layers_of(spec)]
    assert ids == [["a", "d"], ["b"], ["c"]]


def test_the_order_of_the_tasks_does_not_matter_and_a_flow_may_be_empty() -> None:
    spec = FlowSpec(name="f", tasks=(_task("b", "a"), _task("a")))
    assert [[task.task_id for task in layer] for layer in layers_of(spec)] == [["a"], ["b"]]
    assert layers_of(FlowSpec(name="f")) == []


def test_a_chain_may_be_long() -> None:
    chain = [_task("t0"), *(_task(f"t{n}", f"t{n - 1}") for n in range(1, 5000))]
    assert len(layers_of(FlowSpec(name="f", tasks=tuple(chain)))) == 5000


@pytest.mark.parametrize(
    ("task_id", "name", "lines"),
    [
        ("load", "load", ("load",)),
        ("load-2", "load", ("load-2",)),
        ("sub.load-13", "load", ("sub.load-13",)),
        ("step-2", "step-2", ("step-2",)),
        ("daily-load", "daily load", ("daily-load", "daily load")),
        ("preload", "load", ("preload", "load")),
    ],
)
def test_a_name_is_shown_where_the_id_does_not_tell_it(
    task_id: str, name: str, lines: tuple[str, ...]
) -> None:
    assert label_lines(TaskSpec(task_id=task_id, name=name)) == lines


def test_a_mapped_task_has_a_mark_behind_its_id() -> None:
    task = TaskSpec(task_id="step-2", name="step", is_mapped=True)
    assert label_lines(task) == ("step-2 \u00d7N",)
    assert label_lines(task, is_unicode=False) == ("step-2 xN",)
