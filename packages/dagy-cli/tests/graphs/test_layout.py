from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.graphs.layout import Box, layout_of
from dagy_types import FlowSpec, TaskSpec


def _task(task_id: str, *depends_on: str) -> TaskSpec:
    return TaskSpec(task_id=task_id, name=task_id, depends_on=depends_on)


@st.composite
def _specs(draw: st.DrawFn) -> FlowSpec:
    count = draw(st.integers(0, 12))
    tasks = [
        _task(f"t{n}", *(f"t{m}" for m in sorted(draw(st.sets(st.integers(0, n - 1))))))
        if n
        else _task("t0")
        for n in range(count)
    ]
    return FlowSpec(name="f", tasks=tuple(tasks))


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(_specs())
def test_boxes_lie_in_the_picture_and_none_on_another(spec: FlowSpec) -> None:
    layout = layout_of(spec, top=50)
    assert len(layout.boxes) == len(spec.tasks)
    assert not any(_overlap(one, other) for one, other in combinations(layout.boxes, 2))
    for box in layout.boxes:
        assert box.x > 0 and box.x + box.width < layout.width
        assert box.y >= 50 and box.y + box.height < layout.height


@given(_specs())
def test_edges_lead_from_left_to_right_and_one_ends_for_each_dependency(spec: FlowSpec) -> None:
    layout = layout_of(spec, top=0)
    assert all(edge.x1 < edge.x2 for edge in layout.edges)
    ends = sum(edge.is_end for edge in layout.edges)
    assert ends == sum(len(task.depends_on) for task in spec.tasks)


def test_an_edge_over_a_layer_passes_the_boxes_there() -> None:
    spec = FlowSpec(name="f", tasks=(_task("a"), _task("b", "a"), _task("c", "b", "a")))
    layout = layout_of(spec, top=0)
    box = next(box for box in layout.boxes if box.task.task_id == "b")
    (straight,) = [edge for edge in layout.edges if edge.x1 == box.x and not edge.is_end]
    assert (straight.x2, straight.y1) == (box.x + box.width, straight.y2)
    assert not box.y <= straight.y1 <= box.y + box.height


def test_crossings_that_can_be_avoided_are() -> None:
    # Written crosswise: each of the last two belongs to the upstream on the other side.
    tasks = (_task("a"), _task("b"), _task("of_b", "b"), _task("of_a", "a"))
    layout = layout_of(FlowSpec(name="f", tasks=tasks), top=0)
    y = {box.task.task_id: box.y for box in layout.boxes}
    assert (y["a"] < y["b"]) is (y["of_a"] < y["of_b"])
