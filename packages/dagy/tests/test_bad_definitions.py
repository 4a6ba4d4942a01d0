"""Definitions that cannot be meant: each is refused where it is written, and says why."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from dagy import flow, task
from dagy_types.errors import DagyError, FlowDefinitionError, UsageError


@task
def give(value: Any) -> Any:
    return value


@task
def work(*values: Any, **named: Any) -> Any:
    return values


NO_NUMBERS = [math.nan, math.inf, -math.inf, -1, -0.5, "1", True, [1], 1j, object()]
NO_WHOLE_NUMBERS = [*NO_NUMBERS, 1.0, 1.5]
NO_SECONDS_IN_A_LIST = [[], (), {}, {1}, [math.nan], [1, -1], [1, "2"], [True], [None], [[1]]]


def wrong_values() -> list[Any]:
    """Pairs of the decorators that have an option and a value that it cannot have."""
    both = (task, flow)
    return [
        *(((each,), "timeout_seconds", value) for each in both for value in [*NO_NUMBERS, 0]),
        *(((each,), "retries", value) for each in both for value in NO_WHOLE_NUMBERS),
        *(((each,), "retry_jitter_factor", value) for each in both for value in [*NO_NUMBERS, 1.1]),
        *(((task,), "concurrency_limit", value) for value in [*NO_WHOLE_NUMBERS, 0]),
        *(((flow,), "max_workers", value) for value in [*NO_WHOLE_NUMBERS, 0]),
        *(((task,), "cache_ttl", value) for value in [*NO_NUMBERS, 0]),
    ]


@pytest.mark.parametrize(("decorators", "option", "value"), wrong_values())
def test_a_number_that_cannot_be_meant_is_refused_by_the_name_of_its_option(
    decorators: Any, option: str, value: Any
) -> None:
    if option == "retry_jitter_factor" and value == [1]:
        value = "much"
    with pytest.raises(FlowDefinitionError, match=option):
        decorators[0](**{option: value})


@pytest.mark.parametrize("decorator", [task, flow])
@pytest.mark.parametrize(
    "value", [*(each for each in NO_NUMBERS if each != [1]), *NO_SECONDS_IN_A_LIST]
)
def test_a_retry_delay_that_cannot_be_meant_is_refused(decorator: Any, value: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="retry_delay_seconds"):
        decorator(retries=2, retry_delay_seconds=value)


@pytest.mark.parametrize("decorator", [task, flow])
def test_a_retry_delay_is_refused_even_if_there_are_no_retries_yet(decorator: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="retry_delay_seconds"):
        decorator(retry_delay_seconds=-1)


@pytest.mark.parametrize("decorator", [task, flow])
@pytest.mark.parametrize("returned", [None, 5, "12", math.nan, *NO_SECONDS_IN_A_LIST])
def test_what_a_delay_function_returns_is_checked(decorator: Any, returned: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="retry_delay_seconds"):
        decorator(retries=2, retry_delay_seconds=lambda _: returned)


@pytest.mark.parametrize("decorator", [task, flow])
@pytest.mark.parametrize(
    "function", [lambda _: 1 / 0, lambda: [1], lambda a, b: [1], lambda n: [1, 2][n], int]
)
def test_a_delay_function_that_cannot_be_called_is_told(decorator: Any, function: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="retry_delay_seconds"):
        decorator(retries=2, retry_delay_seconds=function)


@pytest.mark.parametrize("decorator", [task, flow])
@pytest.mark.parametrize("option", ["timeout_seconds", "retry_delay_seconds"])
def test_a_number_too_large_for_a_float_is_refused(decorator: Any, option: str) -> None:
    with pytest.raises(FlowDefinitionError, match=option):
        decorator(**{"retries": 1, option: 10**400})


@pytest.mark.parametrize("decorator", [task, flow])
def test_as_many_retries_as_anybody_likes_take_no_memory(decorator: Any) -> None:
    decorator(retries=10**13, retry_delay_seconds=1)(lambda: None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"retry_condition_fn": 3}, "retry_condition_fn must be a function"),
        ({"retry_condition_fn": "always"}, "retry_condition_fn must be a function"),
        ({"on_failure": print}, "on_failure must be a list of functions"),
        ({"on_retry": "print"}, "on_retry must be a list of functions"),
        ({"on_running": [print, None]}, "on_running must be a list of functions"),
        ({"on_completion": {print}}, "on_completion must be a list of functions"),
        ({"tags": ["a"]}, "tags must be a dictionary of text to text"),
        ({"tags": {"a": 1}}, "tags must be a dictionary of text to text"),
        ({"tags": {1: "a"}}, "tags must be a dictionary of text to text"),
        ({"tags": None}, "tags must be a dictionary of text to text"),
        ({"tags": "a"}, "tags must be a dictionary of text to text"),
        ({"retrys": 3}, "has no option 'retrys'"),
        ({"on_fail": []}, "has no option 'on_fail'"),
    ],
)
@pytest.mark.parametrize("decorator", [task, flow])
def test_what_tasks_and_flows_have_in_common_is_checked_for_both(
    decorator: Any, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(FlowDefinitionError, match=told):
        decorator(**options)


@pytest.mark.parametrize(
    ("decorator", "options", "told"),
    [
        (task, {"executor": "threads"}, "executor must be one of None, 'lambda'"),
        (task, {"serializer": "yaml"}, "serializer must be one of json, pickle"),
        (task, {"serializer": None}, "serializer must be one of"),
        (task, {"serializer": dict}, "serializer must be one of"),
        (task, {"conditions": ()}, "has no option 'conditions'"),
        (task, {"max_workers": 1}, "has no option 'max_workers'"),
        (flow, {"executor": "dask"}, "executor must be one of 'threads', 'processes'"),
        (flow, {"concurrency_limit": 1}, "has no option 'concurrency_limit'"),
        (flow, {"delays": 1}, "has no option 'delays'"),
    ],
)
def test_what_only_one_of_them_has_is_checked_too(
    decorator: Any, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(FlowDefinitionError, match=told) as caught:
        decorator(**options)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["name", "description"])
@pytest.mark.parametrize("decorator", [task, flow])
def test_names_and_descriptions_are_text(decorator: Any, name: str) -> None:
    with pytest.raises(FlowDefinitionError, match=f"{name} must be text"):
        decorator(**{name: 3})(lambda: None)


def test_the_version_of_a_flow_is_text() -> None:
    with pytest.raises(FlowDefinitionError, match="version must be text"):
        flow(version=2)(lambda: None)  # type: ignore[call-overload]


@pytest.mark.parametrize("after", ["give", ["give"], [None], 3])
def test_after_takes_outputs_only(after: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="after"):
        flow(lambda: give.with_options(after=after)(1)).run_local()


@pytest.mark.parametrize("decorator", [task, flow])
@pytest.mark.parametrize("decorated", [3, "text", None])
def test_only_functions_can_be_decorated(decorator: Any, decorated: Any) -> None:
    if decorated is None:
        decorated = [None]
    with pytest.raises(FlowDefinitionError, match="decorates functions"):
        decorator()(decorated)


def test_a_generator_function_can_be_neither_task_nor_flow() -> None:
    def numbers() -> Any:
        yield 1

    async def later() -> Any:
        yield 1

    for decorator in (task, flow):
        for function in (numbers, later):
            with pytest.raises(FlowDefinitionError, match="generator function"):
                decorator(function)  # type: ignore[operator]


@pytest.mark.parametrize("keyword", ["max_workers", "fail_fast", "executor"])
def test_a_parameter_named_like_a_control_keyword_is_refused(keyword: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def f({keyword}): pass", namespace)
    with pytest.raises(FlowDefinitionError, match=f"parameter '{keyword}'") as caught:
        flow(namespace["f"])
    assert f"flow_{keyword}" in str(caught.value.hint)


USES: dict[str, Callable[[Any], Any]] = {
    "if": lambda output: 1 if output else 2,
    "not": lambda output: not output,
    "for": lambda output: [each for each in output],  # noqa: C416  a loop is the point
    "unpacking": lambda output: (lambda first, second: 0)(*output),
    "+": lambda output: output + 1,
    "reversed +": lambda output: 1 + output,
    "sum": lambda output: sum([output, output]),
    "-": lambda output: -output,
    "%": lambda output: output % 2,
    "text %": lambda output: "%d" % output,  # noqa: UP031  it is used
    "text +": lambda output: "path/" + output,
    "attribute": lambda output: output.shape,
    "method": lambda output: output.upper(),
    "index": lambda output: output[0],
    "slice": lambda output: output[:2],
    "assignment": lambda output: output.__setitem__(0, 1),
    "len": len,
    "in": lambda output: 1 in output,
    "<": lambda output: output < 3,
    "sorted": lambda output: sorted([output, output]),
    "max": lambda output: max(output, 3),
    "int": int,
    "float": float,
    "round": round,
    "range": range,
    "abs": abs,
    "call": lambda output: output(),
    "with": lambda output: output.__enter__(),
    "bits": lambda output: output & 1,
    "star": lambda output: work(*output),
    "double star": lambda output: work(**output),
    "await": lambda output: asyncio.run(output),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_an_output_used_as_a_value_is_refused_at_its_line(use: Callable[[Any], Any]) -> None:
    def body() -> Any:
        output = give(1)
        return use(output)

    with pytest.raises(FlowDefinitionError, match=r"\(.*\.py:\d+\)") as caught:
        flow(body).run_local()
    assert "inside a task" in str(caught.value.hint) or "belongs in a task" in str(
        caught.value.hint
    )


def test_an_output_can_still_be_looked_at_and_kept_in_containers() -> None:
    seen: list[Any] = []

    def body() -> Any:
        output = give(1)
        seen.append(repr(output))
        assert output in [output]
        assert len({output, output}) == 1
        return {"a": output}

    assert flow(body).run_local().result() == {"a": 1}
    assert seen == ["TaskOutput('give')"]


def test_a_flow_that_calls_itself_is_refused_with_the_path() -> None:
    @flow
    def outer() -> Any:
        return middle()

    @flow
    def middle() -> Any:
        return outer()

    @flow
    def alone() -> Any:
        return alone()

    with pytest.raises(FlowDefinitionError, match="'outer' calls itself: outer → middle → outer"):
        outer()
    with pytest.raises(FlowDefinitionError, match="'alone' calls itself: alone → alone"):
        alone.run_local()


@pytest.mark.parametrize("value", [0, -1, 1.0, math.nan, math.inf, True, "2", []])
def test_a_wrong_max_workers_of_one_run_is_a_wrong_argument(value: Any) -> None:
    with pytest.raises(UsageError, match="max_workers must be a whole number from 1"):
        flow(lambda: give(1)).run_local(max_workers=value)


@pytest.mark.parametrize("value", ["dask", "", 3, True, ["threads"]])
def test_a_wrong_executor_of_one_run_is_a_wrong_argument(value: Any) -> None:
    with pytest.raises(UsageError, match="There is no executor"):
        flow(lambda: give(1)).run_local(executor=value)


@pytest.mark.parametrize("value", [object(), open, lambda: 1, {1: object()}])
def test_a_parameter_that_cannot_be_recorded_is_refused(value: Any) -> None:
    @flow
    def f(value: Any) -> Any:
        return give(1)

    with pytest.raises(DagyError, match="value"):
        f(value)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1e6", "nan"])
def test_a_wrong_size_limit_in_the_environment_is_told(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_LOCAL_ARTIFACT_MAX_BYTES", text)
    with pytest.raises(DagyError, match="DAGY_LOCAL_ARTIFACT_MAX_BYTES") as caught:
        flow(lambda: give(1)).run_local()
    assert caught.value.code == "config"
