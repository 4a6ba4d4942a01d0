"""`run_flow` with the engine behind it, recorded in memory."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dagy import flow, task
from dagy.local import LocalLogger, run_flow
from dagy.local.errors import TaskFailedError
from dagy_types import RunStatus, TaskStatus, TaskTransition
from dagy_types.errors import ArtifactError, FlowDefinitionError, StoreError, UsageError

QUIET = LocalLogger(quiet=True)


@task
def give(value: Any) -> Any:
    return value


@task
def fail(after: Any = None) -> None:
    raise ValueError("out of\nluck")


@task
def add(left: int, right: int) -> int:
    return left + right


def run(of: Any, recorder: Any, **options: Any) -> Any:
    return run_flow(of, {}, recorder=recorder, logger=QUIET, **options)


def test_a_run_gives_the_value_and_records_every_start_and_end(recorder: Any) -> None:
    @flow(version="7")
    def f() -> dict[str, Any]:
        total = add(give(1), give(2))
        return {"total": total, "constant": (1, [total])}

    result = run(f, recorder)
    assert result.status is RunStatus.SUCCEEDED
    assert result.result() == {"total": 3, "constant": (1, [3])}
    assert recorder.status is RunStatus.SUCCEEDED
    assert recorder.run.flow_version == "7"
    assert re.fullmatch(r"[a-z][a-z0-9]{11}", result.run_id)
    statuses = [each.status for each in recorder.transitions if each.task_id == "add"]
    assert statuses == [TaskStatus.RUNNING, TaskStatus.SUCCEEDED]
    assert recorder.transitions[-1].output.data == b"3"


def test_a_flow_without_tasks_succeeds(recorder: Any) -> None:
    @flow
    def f() -> int:
        return 4

    assert run(f, recorder).result() == 4
    assert recorder.batches == []


def test_no_more_than_max_workers_tasks_run_at_once(recorder: Any) -> None:
    running, most = [0], [0]
    lock = threading.Lock()
    pair = threading.Barrier(2, timeout=10)  # both slots must be in use at once to get past it

    @task
    def count() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        pair.wait()
        with lock:
            running[0] -= 1

    @flow
    def f() -> None:
        for _ in range(6):
            count()

    assert run(f, recorder, max_workers=2).status is RunStatus.SUCCEEDED
    assert most[0] == 2


def test_fail_fast_starts_nothing_more_and_says_what_became_of_the_rest(recorder: Any) -> None:
    @flow
    def f() -> None:
        give(fail())
        give(2)
        give(give(3))

    result = run(f, recorder, max_workers=1)
    assert result.status is RunStatus.FAILED
    assert recorder.states == {
        "fail": TaskStatus.FAILED,
        "give": TaskStatus.SKIPPED,
        "give-2": TaskStatus.CANCELLED,
        "give-3": TaskStatus.CANCELLED,
        "give-4": TaskStatus.CANCELLED,
    }
    assert result.error == "Task 'fail' failed: ValueError: out of luck"
    with pytest.raises(TaskFailedError) as caught:
        result.result()
    assert isinstance(caught.value.__cause__, ValueError)
    assert (caught.value.run_id, caught.value.task_id) == (result.run_id, "fail")


def test_without_fail_fast_independent_branches_finish(recorder: Any) -> None:
    @flow
    def f() -> None:
        give(fail())
        give(give(3))

    result = run(f, recorder, max_workers=1, fail_fast=False)
    assert result.status is RunStatus.FAILED
    assert recorder.states == {
        "fail": TaskStatus.FAILED,
        "give": TaskStatus.SKIPPED,
        "give-2": TaskStatus.SUCCEEDED,
        "give-3": TaskStatus.SUCCEEDED,
    }


def test_a_failure_is_logged_with_the_authors_part_of_the_traceback(recorder: Any) -> None:
    @flow
    def f() -> None:
        fail()

    run(f, recorder)
    [message] = recorder.messages("fail")
    assert "ValueError: out of\nluck" in message
    assert Path(__file__).name in message
    assert "_attempt.py" not in message


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_task_that_raises_outside_exception_fails_like_any_other(
    recorder: Any, error: BaseException
) -> None:
    @task
    def leave() -> None:
        raise error

    @flow
    def f() -> None:
        leave()

    assert run(f, recorder).status is RunStatus.FAILED
    assert type(error).__name__ in recorder.transitions[-1].error


def test_an_output_that_cannot_be_recorded_fails_its_task(recorder: Any) -> None:
    @flow
    def f() -> None:
        give(object())

    result = run(f, recorder)
    assert result.status is RunStatus.FAILED
    with pytest.raises(TaskFailedError) as caught:
        result.result()
    assert isinstance(caught.value.__cause__, ArtifactError)


def test_outputs_larger_than_the_limit_fail_their_task(
    recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_LOCAL_ARTIFACT_MAX_BYTES", "10")

    @flow
    def f() -> Any:
        return [give("x" * 8), give("x" * 9)]

    result = run(f, recorder, fail_fast=False)
    assert recorder.states == {"give": TaskStatus.SUCCEEDED, "give-2": TaskStatus.FAILED}
    assert "takes 11 bytes, more than the limit of 10" in result.error


def test_a_recorder_that_cannot_write_ends_the_run_with_its_error(recorder: Any) -> None:
    class Full(type(recorder)):  # type: ignore[misc]
        def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
            if any(each.status is TaskStatus.SUCCEEDED for each in transitions):
                raise StoreError("The disk is full.")
            super().record_tasks(run_id, transitions)

    full = Full()

    @flow
    def f() -> None:
        give(give(1))

    with pytest.raises(StoreError, match="disk is full"):
        run(f, full)
    assert "give-2" not in full.states
    assert full.status is None


@pytest.mark.parametrize("max_workers", [0, -1, 1.5, True, "4"])
def test_max_workers_must_be_a_whole_number_from_one(recorder: Any, max_workers: Any) -> None:
    @flow
    def f() -> None: ...

    with pytest.raises(UsageError, match="max_workers must be a whole number from 1"):
        run(f, recorder, max_workers=max_workers)
    assert recorder.run is None


def test_nothing_is_recorded_of_a_flow_that_cannot_start(recorder: Any) -> None:
    @flow
    def f(count: int) -> None:
        raise LookupError("body")

    with pytest.raises(UsageError):
        run_flow(f, {"count": "x"}, recorder=recorder)
    with pytest.raises(FlowDefinitionError):
        run_flow(f, {"count": 1}, recorder=recorder)
    assert recorder.run is None


def test_no_thread_is_left_behind(recorder: Any) -> None:
    @flow
    def f() -> None:
        for number in range(8):
            give(number)

    run(f, recorder)
    assert not [each for each in threading.enumerate() if each.name.startswith("dagy-")]


def test_a_run_in_another_thread_works_without_signals(recorder: Any) -> None:
    @flow
    def f() -> int:
        return give(5)  # type: ignore[no-any-return]

    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(run(f, recorder)))
    thread.start()
    thread.join(10)
    assert results[0].result() == 5


def test_a_thousand_deep_chain_needs_no_recursion(recorder: Any) -> None:
    depth = sys.getrecursionlimit() + 100

    @flow
    def f() -> Any:
        value = give(0)
        for _ in range(depth):
            value = add(value, 1)
        return value

    assert run(f, recorder).result() == depth


def test_a_coroutine_function_runs_in_an_event_loop_of_its_own(recorder: Any) -> None:
    async def later(value: int) -> int:
        await asyncio.sleep(0)
        print(f"in the loop: {value}")
        return value + 1

    step = task(later)

    @flow
    def f() -> Any:
        return step(step(1))

    assert run(f, recorder).result() == 3
    assert recorder.messages("later-2") == ["in the loop: 2"]
    assert asyncio.run(later(1)) == 2
