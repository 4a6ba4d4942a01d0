from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dagy_types import (
    FlowSpec,
    TaskSpec,
    errors,
    flow_spec_from_json,
    flow_spec_to_json,
    mapped_position,
    mapped_task_id,
)

task_ids = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
texts = st.text(max_size=8)
tags = st.dictionaries(texts, texts, max_size=2)


@st.composite
def flow_specs(draw: st.DrawFn) -> FlowSpec:
    """A valid spec whose tasks stand in any order."""
    ids = draw(st.lists(task_ids, unique=True, max_size=5))
    tasks = [
        TaskSpec(
            task_id=task_id,
            name=draw(texts),
            description=draw(st.none() | texts),
            depends_on=tuple(draw(st.lists(st.sampled_from(ids[:index]), max_size=3)))
            if index
            else (),
            is_mapped=draw(st.booleans()),
            code_hash=draw(st.none() | texts),
            tags=draw(tags),
        )
        for index, task_id in enumerate(ids)
    ]
    return FlowSpec(
        name=draw(texts),
        version=draw(texts),
        description=draw(st.none() | texts),
        tasks=tuple(draw(st.permutations(tasks))),
        outputs=tuple(draw(st.lists(st.sampled_from(ids), max_size=3))) if ids else (),
        code_hash=draw(st.none() | texts),
        tags=draw(tags),
    )


def spec_of(*edges: tuple[str, str]) -> FlowSpec:
    """A spec of the tasks in these (upstream, downstream) pairs."""
    upstream: dict[str, tuple[str, ...]] = {}
    for above, below in edges:
        upstream.setdefault(above, ())
        upstream[below] = (*upstream.get(below, ()), above)
    return FlowSpec(
        name="daily",
        tasks=tuple(
            TaskSpec(task_id=task_id, name=task_id, depends_on=depends_on)
            for task_id, depends_on in upstream.items()
        ),
    )


@given(flow_specs())
def test_a_spec_survives_its_json(spec: FlowSpec) -> None:
    assert flow_spec_from_json(flow_spec_to_json(spec)) == spec


@given(flow_specs())
@example(
    FlowSpec(
        name='"tasks":[]',
        tasks=(TaskSpec(task_id="a", name='"depends_on":[]', tags={"depends_on": "[]"}),),
        tags={"tasks": "[]"},
    )
)
def test_its_json_has_one_spelling(spec: FlowSpec) -> None:
    text = flow_spec_to_json(spec)
    assert json.dumps(json.loads(text), separators=(",", ":")) == text


@given(flow_specs(), flow_specs())
def test_content_hashes_are_equal_only_for_equal_specs(one: FlowSpec, other: FlowSpec) -> None:
    assert (one.content_hash == other.content_hash) == (one == other)
    assert flow_spec_from_json(flow_spec_to_json(one)).content_hash == one.content_hash


def test_a_content_hash_is_the_same_in_every_process_and_release() -> None:
    spec = FlowSpec(name="daily", tasks=(TaskSpec(task_id="load", name="load"),))
    known = "bf8b0072bfc6ee036dd067d983c53f16e4c6123be5ec4b06f050f9973ac43547"
    assert spec.content_hash == known


@pytest.mark.parametrize(
    "changed",
    [
        FlowSpec(name="hourly"),
        FlowSpec(name="daily", version="2"),
        FlowSpec(name="daily", description=""),
        FlowSpec(name="daily", tasks=(TaskSpec(task_id="a", name="a"),)),
        FlowSpec(name="daily", code_hash="c0de"),
        FlowSpec(name="daily", tags={"team": "sales"}),
    ],
)
def test_each_field_counts_in_the_content_hash(changed: FlowSpec) -> None:
    assert changed.content_hash != FlowSpec(name="daily").content_hash


@pytest.mark.parametrize(
    "changed",
    [
        TaskSpec(task_id="load", name="load", is_mapped=True),
        TaskSpec(task_id="load", name="load", code_hash="c0de"),
        TaskSpec(task_id="load", name="load", tags={"team": "sales"}),
        TaskSpec(task_id="load", name="load", description=""),
        TaskSpec(task_id="load", name="loads"),
    ],
)
def test_each_field_of_a_task_counts_in_the_content_hash(changed: TaskSpec) -> None:
    plain = FlowSpec(name="daily", tasks=(TaskSpec(task_id="load", name="load"),))
    assert FlowSpec(name="daily", tasks=(changed,)).content_hash != plain.content_hash


def test_the_order_of_tags_does_not_count_in_the_content_hash() -> None:
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    specs = [
        FlowSpec(name="daily", tasks=(TaskSpec(task_id="a", name="a", tags=tags),), tags=tags)
        for tags in (one, other)
    ]
    assert specs[0].content_hash == specs[1].content_hash


def test_flows_and_tasks_do_not_share_their_tags() -> None:
    specs = [FlowSpec(name="daily", tasks=(TaskSpec(task_id="a", name="a"),)) for _ in range(2)]
    assert specs[0].tags is not specs[1].tags
    assert specs[0].tasks[0].tags is not specs[1].tasks[0].tags


def test_a_spec_holds_any_text_even_what_is_no_unicode() -> None:
    spec = FlowSpec(name="Wetter Zürich \udcff")
    assert flow_spec_from_json(flow_spec_to_json(spec)) == spec
    assert len(spec.content_hash) == 64


@pytest.mark.parametrize("task_id", ["a", "load-2", "sub.load", "_x", "9", "x" * 200])
def test_an_id_that_is_safe_as_a_file_name_is_taken(task_id: str) -> None:
    assert FlowSpec(name="daily", tasks=(TaskSpec(task_id=task_id, name="a"),)).tasks


@pytest.mark.parametrize(
    "task_id",
    ["", ".", "..", "-x", "a/b", "a b", "a\n", "a\\b", "é", "x" * 201, "clean[3]", "[", "a]"],
)
def test_an_id_that_is_unsafe_as_a_file_name_is_refused(task_id: str) -> None:
    with pytest.raises(errors.FlowDefinitionError, match="cannot be the id of a task") as caught:
        FlowSpec(name="daily", tasks=(TaskSpec(task_id=task_id, name="a"),))
    assert repr(task_id) in caught.value.message
    assert caught.value.hint is not None


def test_two_tasks_with_one_id_are_refused() -> None:
    task = TaskSpec(task_id="load", name="load")
    with pytest.raises(errors.FlowDefinitionError, match="two tasks have the id 'load'"):
        FlowSpec(name="daily", tasks=(task, task))


def test_an_upstream_that_is_not_in_the_flow_is_refused() -> None:
    task = TaskSpec(task_id="load", name="load", depends_on=("extract",))
    with pytest.raises(errors.FlowDefinitionError) as caught:
        FlowSpec(name="daily", tasks=(task,))
    assert caught.value.message == (
        "Flow 'daily': task 'load' depends on 'extract', which is not in the flow."
    )


def test_an_output_that_is_not_in_the_flow_is_refused() -> None:
    with pytest.raises(errors.FlowDefinitionError) as caught:
        FlowSpec(name="daily", outputs=("load",))
    assert caught.value.message == (
        "Flow 'daily': its result is built from 'load', which is not in the flow."
    )


def test_a_cycle_is_shown_in_the_direction_in_which_outputs_flow() -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("start", "a")]
    with pytest.raises(errors.FlowDefinitionError) as caught:
        spec_of(*edges)
    shown = re.fullmatch(r"Flow 'daily' has a cycle: (.*)\.", caught.value.message)
    assert shown is not None
    path = shown[1].split(" → ")
    assert path[0] == path[-1]
    assert set(path) == {"a", "b", "c"}
    assert all(step in edges for step in pairwise(path))


def test_a_task_that_feeds_itself_is_a_cycle() -> None:
    with pytest.raises(errors.FlowDefinitionError, match="has a cycle: a → a"):
        spec_of(("a", "a"))


def test_upstream_may_be_listed_below_downstream() -> None:
    load = TaskSpec(task_id="load", name="load", depends_on=("extract",))
    extract = TaskSpec(task_id="extract", name="extract")
    assert FlowSpec(name="daily", tasks=(load, extract)).tasks == (load, extract)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('"load"', "7"),
        ('["extract"]', '"ab"'),
        ('"1"', "1"),
        ('{"team":"sales"}', '["team"]'),
        ('"sales"', "7"),
    ],
)
def test_a_spec_with_a_value_of_another_type_is_refused(written: str, instead: str) -> None:
    load = TaskSpec(task_id="load", name="load", depends_on=("extract",))
    extract = TaskSpec(task_id="extract", name="extract")
    text = flow_spec_to_json(
        FlowSpec(name="daily", version="1", tasks=(extract, load), tags={"team": "sales"})
    )
    assert written in text
    with pytest.raises(errors.FlowDefinitionError, match="not the JSON of a flow spec"):
        flow_spec_from_json(text.replace(written, instead))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", "{}", '{"tasks": 7}', '{"tasks": [7]}', '"tasks"']
)
def test_a_text_that_is_not_the_json_of_a_spec_is_refused(text: str) -> None:
    with pytest.raises(errors.FlowDefinitionError, match="not the JSON of a flow spec"):
        flow_spec_from_json(text)


@pytest.mark.parametrize(
    "missing", ["name", "version", "description", "tasks", "outputs", "code_hash", "tags"]
)
def test_a_json_spec_that_lacks_a_field_is_refused(missing: str) -> None:
    document = json.loads(flow_spec_to_json(FlowSpec(name="daily")))
    del document[missing]
    with pytest.raises(errors.FlowDefinitionError, match=missing):
        flow_spec_from_json(json.dumps(document))


@pytest.mark.parametrize(
    "missing",
    ["task_id", "name", "description", "depends_on", "is_mapped", "code_hash", "tags"],
)
def test_a_task_in_json_that_lacks_a_field_is_refused(missing: str) -> None:
    document = json.loads(flow_spec_to_json(spec_of(("a", "b"))))
    del document["tasks"][1][missing]
    with pytest.raises(errors.FlowDefinitionError, match=missing):
        flow_spec_from_json(json.dumps(document))


@given(task_ids, st.integers(0, 10**6))
def test_the_id_of_a_child_tells_its_parent_and_its_index(task_id: str, index: int) -> None:
    assert mapped_position(mapped_task_id(task_id, index)) == (task_id, index)


@given(task_ids)
def test_no_task_of_a_spec_has_the_id_of_a_child(task_id: str) -> None:
    assert mapped_position(task_id) is None


def test_the_ids_of_children_count_from_0_in_brackets() -> None:
    assert [mapped_task_id("load-2", index) for index in (0, 10)] == ["load-2[0]", "load-2[10]"]


def test_a_json_spec_is_checked_like_any_other() -> None:
    text = flow_spec_to_json(spec_of(("a", "b"))).replace(
        '"depends_on":["a"]', '"depends_on":["b"]'
    )
    with pytest.raises(errors.FlowDefinitionError, match="has a cycle"):
        flow_spec_from_json(text)


@given(st.text(st.sampled_from("a1[]-+_ ٣"), max_size=8))
def test_only_what_is_spelt_like_a_child_is_one(task_id: str) -> None:
    position = mapped_position(task_id)
    if position is not None:
        assert mapped_task_id(*position) == task_id
        assert position[1] >= 0


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True), st.integers(0, 10**9))
def test_every_child_is_one(parent: str, index: int) -> None:
    assert mapped_position(mapped_task_id(parent, index)) == (parent, index)
