from __future__ import annotations

from typing import Any

import pytest

from dagy import Flow, flow, task
from dagy_types.errors import FlowDefinitionError


@task
def one() -> int:
    return 1


@task
def add(left: Any, right: Any = 0) -> Any:
    return left + right


def edges(of: Flow[..., Any]) -> dict[str, tuple[str, ...]]:
    return {each.task_id: each.depends_on for each in of.trace({}).spec.tasks}


def test_each_call_is_a_task_and_each_output_used_an_edge() -> None:
    @flow
    def diamond() -> Any:
        top = one()
        return add(add(top, 1), add(top, right=2))

    assert edges(diamond) == {
        "one": (),
        "add": ("one",),
        "add-2": ("one",),
        "add-3": ("add", "add-2"),
    }
    assert diamond.trace({}).spec.outputs == ("add-3",)


def test_outputs_inside_containers_make_edges_too() -> None:
    @flow
    def nested() -> Any:
        return {"sum": add([one(), (one(), {"k": one()})])}

    assert edges(nested)["add"] == ("one", "one-2", "one-3")
    assert nested.trace({}).spec.outputs == ("add",)


def test_task_ids_are_safe_as_file_names_and_unique_whatever_the_case() -> None:
    @task(name="Load ../../data!")
    def load() -> None: ...

    @task(name="LOAD-data")
    def other() -> None: ...

    @task(name="load-data-2")
    def third() -> None: ...

    @task(name="///")
    def nameless() -> None: ...

    @flow
    def f() -> None:
        load(), other(), other(), third(), nameless()

    ids = list(edges(f))
    assert ids == ["Load-..-..-data", "LOAD-data", "LOAD-data-2", "load-data-2-2", "task"]


def test_a_list_changed_after_the_call_changes_nothing() -> None:
    @flow
    def f() -> None:
        values: list[Any] = [1]
        first = add(values)
        values.append(first)

    assert edges(f) == {"add": ()}
    assert f.trace({}).calls["add"].args == ([1],)


def test_a_value_that_contains_itself_is_refused() -> None:
    @flow
    def f() -> None:
        values: list[Any] = []
        values.append(values)
        add(values)

    with pytest.raises(FlowDefinitionError, match="contains itself"):
        f.trace({})


def test_an_output_of_another_flow_is_refused() -> None:
    leaked = []

    @flow
    def first() -> None:
        leaked.append(one())

    @flow
    def second() -> None:
        add(leaked[0])

    first.trace({})
    with pytest.raises(FlowDefinitionError, match="task 'one' belongs to another run of a flow"):
        second.trace({})


def test_a_flow_inside_a_flow_adds_its_tasks_under_its_name() -> None:
    @flow
    def inner(value: Any) -> Any:
        return add(one(), value)

    @flow
    def outer() -> Any:
        return add(inner(one()), inner(2))

    assert edges(outer) == {
        "one": (),
        "inner.one": (),
        "inner.add": ("inner.one", "one"),
        "inner.one-2": (),
        "inner.add-2": ("inner.one-2",),
        "add": ("inner.add", "inner.add-2"),
    }


def test_a_flow_that_calls_itself_through_another_is_refused_with_the_path() -> None:
    @flow
    def ping() -> None:
        pong()

    @flow
    def pong() -> None:
        ping()

    with pytest.raises(FlowDefinitionError, match="calls itself: ping → pong → ping"):
        ping.trace({})


def test_an_error_in_the_body_is_told_with_its_place() -> None:
    @flow
    def f() -> None:
        raise ValueError("no\nsuch\nthing")

    with pytest.raises(FlowDefinitionError) as caught:
        f.trace({})
    assert "ValueError: no such thing (test_tracing.py:" in caught.value.message
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_call_with_wrong_arguments_is_told_at_its_own_line() -> None:
    @flow
    def f() -> None:
        one(1, 2)  # type: ignore[call-arg]

    with pytest.raises(FlowDefinitionError, match=r"task 'one': too many .*test_tracing.py"):
        f.trace({})


@pytest.mark.parametrize(
    "use",
    [
        bool,
        list,
        len,
        lambda output: output + 1,
        lambda output: 1 + output,
        lambda output: output < 3,
        lambda output: output["key"],
        lambda output: output.attribute,
        lambda output: range(output),
    ],
)
def test_an_output_used_as_a_value_explains_tracing(use: Any) -> None:
    @flow
    def f() -> None:
        use(one())

    with pytest.raises(
        FlowDefinitionError, match=r"tasks run only after the flow's body .*\(test_tracing.py:\d+\)"
    ):
        f.trace({})
