"""`@task(cache=…)`: an output is found again by the arguments that it was made with."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagy import flow, task
from dagy.local import run_flow
from dagy_store import LocalMetadataStore
from dagy_types import Origin, ReuseReason, RunStatus
from dagy_types.errors import FlowDefinitionError


@task
def give(value: Any) -> Any:
    return value


CALLS: list[Any] = []


@pytest.fixture(autouse=True)
def calls() -> Iterator[list[Any]]:
    CALLS.clear()
    yield CALLS


# One function at the top level: the key names it by module and qualified name.
@task(cache="inputs")
def work(value: Any, factor: int = 1, *, extra: Any = None) -> Any:
    CALLS.append(value)
    return [value, factor, extra]


def run(trial: Any, body: Callable[[], Any], **options: Any) -> Any:
    return trial.run(flow(name="f")(body), **options)


def counted(name: str, body: str) -> Any:
    """Make a function of this name whose code differs with its body."""
    namespace: dict[str, Any] = {"CALLS": CALLS}
    exec(f"def {name}(value):\n    CALLS.append(value)\n    return {body}", namespace)
    return namespace[name]


def test_equal_calls_in_two_runs_are_made_once(trial: Any) -> None:
    first, second = (run(trial, lambda: work(7)) for _ in range(2))
    assert first.result() == second.result() == [7, 1, None]
    assert CALLS == [7]


def test_a_cached_task_names_its_origin_and_did_not_run(trial: Any) -> None:
    first = run(trial, lambda: work(7))
    run(trial, lambda: work(7))
    task_run = trial.task_runs["work"]
    assert task_run.origin == Origin(first.run_id, "work", ReuseReason.CACHED)
    assert (str(task_run.status), task_run.attempt) == ("SUCCEEDED", 0)
    assert task_run.output_bytes is None
    assert trial.store.read_output(trial.run_id, "work").data == b"[7,1,null]"


def test_the_origin_is_always_the_task_that_ran(trial: Any) -> None:
    first = run(trial, lambda: work(7))
    for _ in range(3):
        run(trial, lambda: give(work(7)))
    assert trial.task_runs["work"].origin.run_id == first.run_id


def test_equal_calls_one_after_the_other_in_one_run_are_made_once(trial: Any) -> None:
    def body() -> Any:
        first = work(7)
        return first, work.with_options(after=[first])(7)

    assert run(trial, body).result() == ([7, 1, None], [7, 1, None])
    assert CALLS == [7]
    assert trial.task_runs["work-2"].origin == Origin(trial.run_id, "work", ReuseReason.CACHED)


def test_two_flows_share_what_they_cache(trial: Any) -> None:
    run(trial, lambda: work(7))
    other = flow(name="other")(lambda: give(work(give(7))))
    assert trial.run(other).result() == [7, 1, None]
    assert CALLS == [7]


def test_tasks_of_another_name_and_with_other_options_share_it_too(trial: Any) -> None:
    run(trial, lambda: work(7))
    run(trial, lambda: work.with_options(name="renamed", retries=3)(7))
    assert CALLS == [7]


def test_other_arguments_are_another_call(trial: Any) -> None:
    for value in (7, 8, "7", 7.0, True, 1, [7], (7,), {"7": 7}):
        run(trial, lambda value=value: work(value))
    assert len(CALLS) == 9


def test_the_same_arguments_in_any_spelling_are_the_same_call(trial: Any) -> None:
    for body in (
        lambda: work(7),
        lambda: work(value=7),
        lambda: work(7, 1),
        lambda: work(7, factor=1),
        lambda: work(extra=None, factor=1, value=7),
        lambda: work(give(7)),
        lambda: work(give(7), extra=give(None)),
        lambda: work(*[7, 1], extra=None),
    ):
        assert run(trial, body).result() == [7, 1, None]
    assert CALLS == [7]


def test_nested_outputs_count_by_what_they_are(trial: Any) -> None:
    for body in (
        lambda: work([1, {"a": 2}]),
        lambda: work([give(1), {"a": give(2)}]),
        lambda: work(give([1, {"a": 2}])),
        lambda: work([give(1), give({"a": 2})]),
    ):
        assert run(trial, body).result()[0] == [1, {"a": 2}]
    assert len(CALLS) == 1


def test_what_a_mapped_task_returned_counts_as_a_list(trial: Any) -> None:
    for body in (lambda: work(give.map([1, 2])), lambda: work([1, 2]), lambda: work(give([1, 2]))):
        assert run(trial, body).result()[0] == [1, 2]
    assert len(CALLS) == 1


def test_what_an_empty_mapped_task_returned_counts_as_an_empty_list(trial: Any) -> None:
    for body in (lambda: work(give.map([])), lambda: work([]), lambda: work(give([]))):
        assert run(trial, body).result()[0] == []
    assert len(CALLS) == 1


def test_sets_count_without_an_order(trial: Any) -> None:
    names = [f"name-{number}" for number in range(50)]
    for order in (names, sorted(names), list(reversed(names))):
        run(trial, lambda order=order: work(set(order)))
    assert len(CALLS) == 1


def test_the_order_of_a_dictionary_counts(trial: Any) -> None:
    run(trial, lambda: work({"a": 1, "b": 2}))
    run(trial, lambda: work({"b": 2, "a": 1}))
    assert [list(each) for each in CALLS] == [["a", "b"], ["b", "a"]]


def test_keyword_arguments_of_any_name_count_without_an_order(trial: Any) -> None:
    @task(cache="inputs")
    def any_names(**values: Any) -> int:
        CALLS.append(values)
        return len(values)

    run(trial, lambda: any_names(a=1, b=give(2)))
    run(trial, lambda: any_names(a=1, b=2))
    assert len(CALLS) == 1


def test_any_number_of_arguments_count_by_what_they_are(trial: Any) -> None:
    @task(cache="inputs")
    def any_number(*values: Any) -> Any:
        CALLS.append(values)
        return list(values)

    for body in (
        lambda: any_number(1, give(2)),
        lambda: any_number(give(1), 2),
        lambda: any_number(1, 2),
    ):
        assert run(trial, body).result() == [1, 2]
    for body in (
        lambda: any_number.map(give([1, 3]), [2, 4]),
        lambda: any_number.map([1, 3], give([2, 4])),
        lambda: any_number.map(give([1, 3]), give([2, 4])),
    ):
        assert run(trial, body).result() == [[1, 2], [3, 4]]
    assert CALLS == [(1, 2), (3, 4)]


def test_inputs_alone_let_the_code_change(trial: Any) -> None:
    for body in ("value", "value + 1"):
        result = run(trial, lambda body=body: task(cache="inputs")(counted("same", body))(7))
        assert result.result() == 7
    assert CALLS == [7]


def test_with_inputs_and_code_a_change_of_the_code_is_another_call(trial: Any) -> None:
    for body, expected in (("value", 7), ("value + 1", 8), ("value", 7)):
        cached = task(cache="inputs+code")(counted("same", body))
        assert run(trial, lambda cached=cached: cached(7)).result() == expected
    assert CALLS == [7, 7]


def test_functions_of_different_names_share_nothing(trial: Any) -> None:
    for name in ("one", "other"):
        cached = task(cache="inputs")(counted(name, "value"))
        run(trial, lambda cached=cached: cached(7))
    assert CALLS == [7, 7]


@pytest.mark.parametrize("cache", [None, "none"])
def test_without_a_cache_every_call_is_made(trial: Any, cache: str | None) -> None:
    uncached = work.with_options(cache=cache)
    for _ in range(2):
        run(trial, lambda: uncached(7))
    assert CALLS == [7, 7]


def test_what_was_made_without_a_cache_is_not_found(trial: Any) -> None:
    run(trial, lambda: work.with_options(cache=None)(7))
    run(trial, lambda: work(7))
    assert CALLS == [7, 7]


def test_an_output_is_reused_until_it_is_too_old(trial: Any) -> None:
    fresh = work.with_options(cache_ttl=60)
    run(trial, lambda: fresh(7))
    trial.clock.advance(60)
    run(trial, lambda: fresh(7))
    assert CALLS == [7]
    trial.clock.advance(0.001)
    run(trial, lambda: fresh(7))
    assert CALLS == [7, 7]
    trial.clock.advance(59)  # what was made last counts
    run(trial, lambda: fresh(7))
    assert CALLS == [7, 7]


def test_reuse_does_not_make_an_output_younger(trial: Any) -> None:
    fresh = work.with_options(cache_ttl=60)
    for _ in range(3):
        run(trial, lambda: fresh(7))
        trial.clock.advance(40)
    assert CALLS == [7, 7]


def test_each_child_of_a_mapped_task_is_found_by_itself(trial: Any) -> None:
    first = run(trial, lambda: work.map(give([1, 2]), extra="x"))
    result = run(trial, lambda: work.map([0, 1, 2, 3], extra=give("x")), max_workers=1)
    assert result.result() == [[number, 1, "x"] for number in range(4)]
    assert sorted(CALLS) == [0, 1, 2, 3]
    assert trial.task_runs["work[1]"].origin == Origin(first.run_id, "work[0]", ReuseReason.CACHED)
    assert trial.task_runs["work[0]"].origin is None
    assert trial.task_runs["work"].origin is None


def test_a_child_finds_what_a_plain_call_returned(trial: Any) -> None:
    run(trial, lambda: work(7))
    run(trial, lambda: work.map(give([7])))
    assert CALLS == [7]


def test_a_mapped_task_whose_children_are_all_found_gives_its_list(trial: Any) -> None:
    for _ in range(2):
        assert run(trial, lambda: give(work.map(give([1, 2])))).result() == [
            [1, 1, None],
            [2, 1, None],
        ]
    assert sorted(CALLS) == [1, 2]


class Unwritable:
    """JSON has no exact form of it."""


@pytest.mark.parametrize("value", [Unwritable(), io.StringIO(), object])
def test_arguments_without_an_exact_form_are_not_cached_and_that_is_logged(
    trial: Any, value: Any
) -> None:
    @task(cache="inputs")
    def look(_: Any) -> str:
        CALLS.append("look")
        return "seen"

    for _ in range(2):
        assert run(trial, lambda: look(value)).result() == "seen"
    assert CALLS == ["look", "look"]
    [warning] = [each for each in trial.logs("look") if each.level == "WARNING"]
    assert warning.message.startswith("Not cached: A value of type")


def test_a_default_without_an_exact_form_is_not_cached_either(trial: Any) -> None:
    @task(cache="inputs")
    def look(_: int, marker: Any = Unwritable()) -> str:  # noqa: B008  once is what is meant
        CALLS.append("look")
        return "seen"

    for _ in range(2):
        assert run(trial, lambda: look(1)).result() == "seen"
    assert CALLS == ["look", "look"]


def test_a_task_that_failed_is_tried_anew(trial: Any) -> None:
    @task(cache="inputs")
    def flaky(value: int) -> int:
        CALLS.append(value)
        if len(CALLS) < 3:
            raise ValueError
        return value

    statuses = [run(trial, lambda: flaky(7)).status for _ in range(4)]
    assert statuses == [RunStatus.FAILED] * 2 + [RunStatus.SUCCEEDED] * 2
    assert len(CALLS) == 3


def test_what_succeeds_after_a_retry_is_cached(trial: Any) -> None:
    @task(cache="inputs", retries=1)
    def flaky(value: int) -> int:
        CALLS.append(value)
        if len(CALLS) == 1:
            raise ValueError
        return value

    for _ in range(2):
        assert run(trial, lambda: flaky(7)).result() == 7
    assert len(CALLS) == 2


def test_what_a_failed_run_made_is_found_all_the_same(trial: Any) -> None:
    @task
    def fail(_: Any) -> None:
        raise ValueError

    assert run(trial, lambda: fail(work(7))).status is RunStatus.FAILED
    run(trial, lambda: work(7)).raise_for_status()
    assert CALLS == [7]


def test_hooks_hear_nothing_of_a_task_that_is_reused(trial: Any) -> None:
    told: list[str] = []
    noted = work.with_options(
        on_running=[lambda _, state: told.append(state.type)],
        on_completion=[lambda _, state: told.append(state.type)],
    )
    for _ in range(2):
        run(trial, lambda: noted(7))
    assert told == ["RUNNING", "COMPLETED"]


def test_a_condition_is_asked_before_the_cache(trial: Any) -> None:
    run(trial, lambda: work(7))
    assert run(trial, lambda: work.run_if(give(False))(7)).result() is None
    assert trial.states["work"] == "SKIPPED"


def test_nobody_sees_what_another_does_to_a_cached_value(trial: Any) -> None:
    @task
    def spoil(values: list[Any]) -> list[Any]:
        values.append("spoiled")
        return values

    for _ in range(2):
        assert run(trial, lambda: [spoil(work(7)), work(7)]).result()[1] == [7, 1, None]


def test_it_is_found_in_the_store_on_disk_by_another_store_object() -> None:
    for _ in range(2):
        with LocalMetadataStore() as store:
            f = flow(name="f")(lambda: work(7))
            assert run_flow(f, {}, recorder=store).result() == [7, 1, None]
    assert CALLS == [7]


def test_an_output_whose_file_was_removed_is_made_anew(local_directory: Path) -> None:
    large = "x" * 300_000
    f = flow(name="f")(lambda: work(large))
    f.run_local()
    files = [path for path in (local_directory / "artifacts").rglob("*") if path.is_file()]
    assert files  # else the output is small enough for its row
    shutil.rmtree(local_directory / "artifacts")
    for _ in range(2):
        assert f.run_local().result()[0] == large
    assert len(CALLS) == 2  # and what was made anew is found again


@pytest.mark.parametrize("cache", ["input", "code", "", True, 1, ["inputs"]])
def test_another_kind_of_cache_is_refused(cache: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="cache must be one of"):
        task(cache=cache)
