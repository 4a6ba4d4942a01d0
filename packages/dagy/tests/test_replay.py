from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from dagy import Flow, flow, task
from dagy.local import LocalLogger, RunResult, prepare_replay, resume_flow, run_flow
from dagy.testing import MemoryStore, harness
from dagy_types import (
    FlowSpec,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ConflictError, NotFoundError, UsageError

QUIET = LocalLogger(quiet=True)
NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with harness() as surroundings:
        yield surroundings.store


@task
def numbers(count: int) -> list[int]:
    return list(range(count))


@task
def double(number: int, *, plus: int = 0) -> int:
    return 2 * number + plus


@task
def total(values: list[int]) -> int:
    return sum(values)


@task
def divide(value: int, by: int) -> float:
    return value / by


@flow(fail_fast=False)
def sums(count: int = 3) -> Any:
    return divide(total(double.map(numbers(count), plus=1)), 0)


SUMS = sums.trace({"count": 3}).spec


def run(of: Flow[..., Any], store: MemoryStore, **parameters: Any) -> RunResult:
    return run_flow(of, parameters, recorder=store, logger=QUIET)


def test_a_task_is_called_with_what_it_was_called_with(store: MemoryStore) -> None:
    result = run(sums, store, count=4)
    replay = prepare_replay(sums, result.run_id, "numbers", reader=store)
    assert (replay.call(), replay.call()) == ([0, 1, 2, 3], [0, 1, 2, 3])
    assert replay.task_run.status is TaskStatus.SUCCEEDED
    assert replay.differences == ()


def test_what_the_task_raises_is_passed_on(store: MemoryStore) -> None:
    result = run(sums, store)
    replay = prepare_replay(sums, result.run_id, "divide", reader=store)
    assert replay.task_run.error == "ZeroDivisionError: division by zero"
    with pytest.raises(ZeroDivisionError):
        replay.call()


def test_a_mapped_child_gets_its_item(store: MemoryStore) -> None:
    result = run(sums, store)
    assert prepare_replay(sums, result.run_id, "double[2]", reader=store).call() == 5


def test_what_a_map_returned_is_a_list_again(store: MemoryStore) -> None:
    result = run(sums, store)
    assert prepare_replay(sums, result.run_id, "total", reader=store).call() == 9


def test_a_map_over_nothing_returned_an_empty_list(store: MemoryStore) -> None:
    result = run(sums, store, count=0)
    assert prepare_replay(sums, result.run_id, "total", reader=store).call() == 0


def test_a_child_of_a_constant_list_gets_its_item(store: MemoryStore) -> None:
    @flow
    def constant() -> Any:
        return double.map([7, 8])

    result = run(constant, store)
    assert prepare_replay(constant, result.run_id, "double[1]", reader=store).call() == 16


def test_a_coroutine_function_runs_to_its_end(store: MemoryStore) -> None:
    @task
    async def later() -> int:
        return 5

    @flow
    def f() -> Any:
        return later()

    result = run(f, store)
    assert prepare_replay(f, result.run_id, "later", reader=store).call() == 5


def test_an_input_that_the_run_had_reused_is_there_too(store: MemoryStore) -> None:
    first = run(sums, store)
    again = resume_flow(sums, first.run_id, reader=store, recorder=store, logger=QUIET)
    assert prepare_replay(sums, again.run_id, "total", reader=store).call() == 9


def test_nothing_is_recorded(store: MemoryStore) -> None:
    result = run(sums, store)

    def everything() -> Any:
        runs = store.list_runs(limit=9)
        return runs, store.list_task_runs(result.run_id), list(store.read_logs(result.run_id))

    before = everything()
    prepare_replay(sums, result.run_id, "double[0]", reader=store).call()
    with pytest.raises(ZeroDivisionError):
        prepare_replay(sums, result.run_id, "divide", reader=store).call()
    assert everything() == before


def record(
    store: MemoryStore,
    *transitions: TaskTransition,
    spec: FlowSpec | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    """Record a run of `sums`, called r1, of which only so much was done."""
    run_ = Run(
        run_id="r1",
        flow_name="sums",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=NOW,
        environment=environment or {},
    )
    store.create_run(run_, spec or SUMS)
    store.record_tasks("r1", transitions)
    store.finish_run("r1", RunEnd(status=RunStatus.CANCELLED, ended_at=NOW))


RUNNING, SUCCEEDED = TaskStatus.RUNNING, TaskStatus.SUCCEEDED
NUMBERS = Output(b"[0,1,2]", "json")
NUMBERS_DONE = (
    TaskTransition("numbers", RUNNING, NOW, 1),
    TaskTransition("numbers", SUCCEEDED, NOW, 1, output=NUMBERS),
)


def test_without_a_recorded_input_there_is_nothing_to_replay(store: MemoryStore) -> None:
    record(store, *NUMBERS_DONE)
    with pytest.raises(ConflictError) as caught:
        prepare_replay(sums, "r1", "divide", reader=store)
    assert caught.value.message == (
        "Task 'divide' cannot be replayed: 'total' has no recorded output."
    )


def test_a_map_that_never_got_its_children_is_no_empty_list(store: MemoryStore) -> None:
    record(store, *NUMBERS_DONE)
    with pytest.raises(ConflictError, match="'double' has no recorded output"):
        prepare_replay(sums, "r1", "total", reader=store)


def test_a_map_of_which_one_child_is_missing_is_not_whole(store: MemoryStore) -> None:
    record(
        store,
        *NUMBERS_DONE,
        TaskTransition("double", RUNNING, NOW, 1, map_size=3),
        TaskTransition("double[0]", RUNNING, NOW, 1),
        TaskTransition("double[0]", SUCCEEDED, NOW, 1, output=Output(b"1", "json")),
    )
    assert prepare_replay(sums, "r1", "double[2]", reader=store).call() == 5
    with pytest.raises(ConflictError, match="'double' has no recorded output"):
        prepare_replay(sums, "r1", "total", reader=store)


def test_a_mapped_task_itself_is_none_to_call(store: MemoryStore) -> None:
    result = run(sums, store)
    with pytest.raises(ConflictError) as caught:
        prepare_replay(sums, result.run_id, "double", reader=store)
    assert caught.value.message == "Task 'double' is mapped: it consists of 3 others."
    assert caught.value.hint == "Name one of them, for example 'double[0]'."


def test_a_mapped_task_that_never_started_is_none_to_call_either(store: MemoryStore) -> None:
    record(store, *NUMBERS_DONE)
    with pytest.raises(ConflictError, match="mapped"):
        prepare_replay(sums, "r1", "double", reader=store)


@pytest.mark.parametrize("task_id", ["nightly", "double[3]", "numbers[0]"])
def test_a_task_that_is_not_there_is_told(store: MemoryStore, task_id: str) -> None:
    result = run(sums, store)
    with pytest.raises(NotFoundError, match="has no task"):
        prepare_replay(sums, result.run_id, task_id, reader=store)


def test_a_task_that_the_flow_has_no_more_is_told(store: MemoryStore) -> None:
    result = run(sums, store)

    @flow(name="sums")
    def shorter(count: int) -> Any:
        return numbers(count)

    with pytest.raises(NotFoundError, match="'total' any more"):
        prepare_replay(shorter, result.run_id, "total", reader=store)


def test_a_run_of_another_flow_or_none_at_all_is_refused(store: MemoryStore) -> None:
    @flow
    def other() -> Any:
        return numbers(1)

    result = run(sums, store)
    with pytest.raises(UsageError, match="is one of flow 'sums', not of 'other'"):
        prepare_replay(other, result.run_id, "numbers", reader=store)
    with pytest.raises(NotFoundError):
        prepare_replay(sums, "nothing", "numbers", reader=store)


def test_what_is_not_as_it_was_is_listed(store: MemoryStore) -> None:
    older = tuple(replace(each, code_hash="older") for each in SUMS.tasks)
    record(
        store,
        *NUMBERS_DONE,
        spec=replace(SUMS, tasks=older, code_hash="older"),
        environment={"python": "3.9.1", "implementation": sys.implementation.name},
    )
    replay = prepare_replay(sums, "r1", "numbers", reader=store)
    assert replay.call() == [0, 1, 2]
    assert replay.differences == (
        "The code of task 'numbers' has changed since.",
        "The body of the flow has changed since.",
        f"python was 3.9.1, and is {platform.python_version()}.",
        f"platform was not recorded, and is {sys.platform}.",
        f"machine was not recorded, and is {platform.machine()}.",
    )
