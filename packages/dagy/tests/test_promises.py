"""What the engine promises, promise by promise."""

from __future__ import annotations

import subprocess
import sys
from types import FrameType
from typing import Any

import pytest

from dagy import flow, get_run_logger, task
from dagy._plan import Plan
from dagy.local import LocalLogger, run_flow
from dagy_types import FlowSpec, RunStatus, TaskSpec, TaskStatus

QUIET = LocalLogger(quiet=True)


@task
def give(value: Any) -> Any:
    return value


def run(of: Any, recorder: Any, **options: Any) -> Any:
    return run_flow(of, {}, recorder=recorder, logger=QUIET, **options)


def test_write_ahead_a_dependent_starts_only_after_its_upstream_is_recorded(recorder: Any) -> None:
    seen: list[TaskStatus | None] = []

    @task
    def look(_: Any) -> None:
        seen.append(recorder.states.get("give"))

    @flow
    def f() -> None:
        for number in range(20):
            look(give(number))

    run(f, recorder, max_workers=4)
    assert seen == [TaskStatus.SUCCEEDED] * 20


def test_isolation_each_consumer_gets_its_own_copy(recorder: Any) -> None:
    @task
    def spoil(values: list[int], again: list[int]) -> list[int]:
        values.append(99)
        return again

    @flow
    def f() -> Any:
        shared, constant = give([1]), [2]
        return [spoil(shared, shared), spoil(shared, shared), spoil(constant, constant), shared]

    result = run(f, recorder)
    assert result.result() == [[1], [1], [2], [1]]
    result.result()[0].append(5)
    assert result.result()[0] == [1]


def wide(size: int) -> FlowSpec:
    middle = tuple(f"m{number}" for number in range(size))
    tasks = [TaskSpec(task_id="first", name="t")]
    tasks += [TaskSpec(task_id=each, name="t", depends_on=("first",)) for each in middle]
    return FlowSpec(name="f", tasks=(*tasks, TaskSpec(task_id="last", name="t", depends_on=middle)))


def chain(size: int) -> FlowSpec:
    first = TaskSpec(task_id="t0", name="t")
    rest = (
        TaskSpec(task_id=f"t{number}", name="t", depends_on=(f"t{number - 1}",))
        for number in range(1, size)
    )
    return FlowSpec(name="f", tasks=(first, *rest))


def lines_executed(spec: FlowSpec) -> int:
    """Count the lines of Python that planning the whole flow takes: a clock that never varies."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        plan = Plan(spec)
        while (task_id := plan.take()) is not None:
            plan.succeed(task_id)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", [wide, chain])
def test_linear_cost_twice_the_tasks_take_twice_the_steps(shape: Any) -> None:
    small, large = lines_executed(shape(500)), lines_executed(shape(1000))
    assert small > 500
    assert large < 2.05 * small


def test_truthful_states_every_status_of_every_task_is_recorded_in_a_legal_order(
    recorder: Any,
) -> None:
    @task
    def fail(_: Any) -> None:
        raise ValueError("no")

    @flow
    def f() -> None:
        give(fail(give(1)))

    run(f, recorder, fail_fast=False)
    assert [(each.task_id, each.status) for each in recorder.transitions] == [
        ("give", TaskStatus.RUNNING),
        ("give", TaskStatus.SUCCEEDED),
        ("fail", TaskStatus.RUNNING),
        ("fail", TaskStatus.FAILED),
        ("give-2", TaskStatus.SKIPPED),
    ]
    assert recorder.status is RunStatus.FAILED


READ_EVERYTHING = """
from dagy_store import LocalMetadataStore

with LocalMetadataStore() as store:
    [run] = store.list_runs(limit=9)
    print(run.status, len(list(store.read_logs(run.run_id))))
    print({str(task.status) for task in store.list_task_runs(run.run_id)})
"""


def test_exit_means_recorded_another_process_reads_all_of_it_at_once() -> None:
    @task
    def chat(number: int) -> int:
        get_run_logger().info("task %d", number)
        return number

    @flow
    def f() -> Any:
        return [chat(number) for number in range(200)]

    assert f.run_local().result() == list(range(200))
    read = subprocess.run(
        [sys.executable, "-c", READ_EVERYTHING], capture_output=True, text=True, check=True
    )
    assert read.stdout.splitlines() == ["SUCCEEDED 200", "{'SUCCEEDED'}"]
