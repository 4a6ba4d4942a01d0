"""`dagy.testing.harness` (ORCH-02): flows in tests, without a trace and without waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dagy import flow, task
from dagy.local.errors import TaskFailedError, TaskTimeoutError
from dagy.testing import FakeClock, Harness, MemoryStore, harness
from dagy_types import RunStatus


@task
def give(value: Any) -> Any:
    return value


@flow
def simple(value: int = 1) -> Any:
    return give(give(value))


def test_runs_are_recorded_in_memory_and_nothing_is_written(local_directory: Path) -> None:
    with harness() as test:
        assert simple.run_local(value=6).result() == 6
        assert simple(7) == 7
        runs = test.store.list_runs(limit=9)
        assert sorted(run.parameters["value"] for run in runs) == [6, 7]
        assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    assert not local_directory.exists()


def test_outside_of_it_the_store_on_disk_is_used(local_directory: Path) -> None:
    with harness() as test:
        pass
    simple.run_local()
    assert test.store.list_runs(limit=9) == []
    assert (local_directory / "dagy.db").exists()


def test_it_is_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGY_LOCAL_VERBOSE", "true")

    @task
    def talk() -> None:
        print("hello")

    with harness():
        flow(name="f")(lambda: talk()).run_local()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_each_has_its_own_store_and_clock() -> None:
    with harness() as first:
        simple.run_local()
        first.clock.advance(5)
    with harness() as second:
        assert second.store.list_runs(limit=9) == []
        assert second.clock.monotonic() == 0


def test_a_failed_run_can_be_resumed_in_it() -> None:
    calls: list[int] = []

    @task
    def flaky(value: int) -> int:
        calls.append(value)
        if len(calls) == 1:
            raise ValueError
        return value

    f = flow(name="f")(lambda: flaky(give(1)))
    with harness() as test:
        with pytest.raises(TaskFailedError) as caught:
            f.run_local()
        result = f.resume(caught.value.run_id)
        assert result.result() == 1
        assert test.store.get_run(result.run_id).resumed_from == caught.value.run_id


def test_a_failed_test_is_told_as_such_and_not_by_what_is_left() -> None:
    let_go = threading.Event()

    def lingering() -> None:
        let_go.wait(60)

    with pytest.raises(LookupError, match="the test"), harness():
        threading.Thread(target=lingering, name="dagy-worker-1", daemon=True).start()
        raise LookupError("the test failed")
    let_go.set()


def test_the_clock_begins_where_it_is_told_and_stands_still() -> None:
    start = datetime(2030, 5, 1, tzinfo=timezone(timedelta(hours=2)))
    with harness(clock=FakeClock(start)) as test:
        simple.run_local()
        [run] = test.store.list_runs(limit=9)
        assert (run.started_at, run.ended_at) == (start, start)
        test.clock.advance(90)
        assert test.clock.now() == start + timedelta(seconds=90)
        assert test.clock.now().utcoffset() == timedelta(0)


def test_time_does_not_go_back() -> None:
    clock = FakeClock()
    with pytest.raises(ValueError, match="cannot go back by 3 s"):
        clock.advance(-3)
    assert clock.monotonic() == 0


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_time_advances_by_a_number_of_seconds(seconds: float) -> None:
    clock = FakeClock()
    with pytest.raises(ValueError, match="advance"):
        clock.advance(seconds)
    assert clock.monotonic() == 0


def test_retries_take_their_delays_in_the_clocks_time() -> None:
    times: list[float] = []

    @task(retries=3, retry_delay_seconds=[60, 3600, 86_400])
    def flaky() -> int:
        times.append(test.clock.monotonic())
        if len(times) < 4:
            raise ValueError
        return len(times)

    with harness() as test:
        assert flow(name="f")(lambda: flaky()).run_local().result() == 4
        assert times == [0, 60, 3660, 90_060]
        [run] = test.store.list_runs(limit=9)
        assert run.duration_seconds == 90_060


def test_while_a_task_is_at_work_no_delay_passes() -> None:
    order: list[str] = []
    failed = threading.Event()

    @task(retries=1, retry_delay_seconds=3600, on_retry=[lambda *_: order.append("retry")])
    def flaky() -> None:
        if not failed.is_set():
            failed.set()
            raise ValueError

    @task
    def at_work() -> None:
        assert failed.wait(60)
        assert test.clock.monotonic() == 0
        order.append("worked")

    @flow
    def f() -> None:
        flaky()
        at_work()

    with harness() as test:
        f.run_local(max_workers=2)
        assert test.clock.monotonic() == 3600
    assert order == ["worked", "retry"]


def test_advance_lets_the_time_limit_of_the_task_pass_that_calls_it() -> None:
    let_go = threading.Event()

    @task(timeout_seconds=10, on_failure=[lambda *_: let_go.set()])
    def slow() -> None:
        test.clock.advance(11)
        let_go.wait(1)

    with harness() as test, pytest.raises(TaskFailedError) as caught:
        flow(name="f")(lambda: slow()).run_local()
    assert isinstance(caught.value.__cause__, TaskTimeoutError)


def test_a_task_that_lets_time_pass_until_it_is_stopped_times_out() -> None:
    let_go = threading.Event()

    @task(timeout_seconds=10, on_failure=[lambda *_: let_go.set()])
    def slow() -> None:
        while not let_go.wait(0.001):
            test.clock.advance(11)

    with harness() as test, pytest.raises(TaskFailedError) as caught:
        flow(name="f")(lambda: slow()).run_local()
    assert isinstance(caught.value.__cause__, TaskTimeoutError)


def test_the_flows_time_limit_passes_with_the_clock() -> None:
    @flow(timeout_seconds=60)
    def f() -> None:
        task(retries=1, retry_delay_seconds=3600)(fail)()

    def fail() -> None:
        raise ValueError

    with harness() as test, pytest.raises(TaskFailedError, match="did not end within 60 s"):
        f.run_local()
    assert test.clock.monotonic() == 60


def test_nothing_is_left_in_threads_after_any_kind_of_run() -> None:
    @task(on_running=[lambda *_: None], retries=1)
    def fail() -> None:
        raise ValueError

    @flow(on_failure=[lambda *_: None])
    def f() -> None:
        fail()
        give.map([1] * 20)

    before = set(threading.enumerate())
    with harness():
        simple.run_local()
        for fail_fast in (True, False):
            with pytest.raises(TaskFailedError):
                f.run_local(fail_fast=fail_fast).raise_for_status()
            assert set(threading.enumerate()) == before


@contextmanager
def time_passes(clock: FakeClock) -> Iterator[None]:
    """Let time pass, from another thread, while something is done."""
    is_done = threading.Event()

    def pass_time() -> None:
        while not is_done.wait(0.001):
            clock.advance(11)

    thread = threading.Thread(target=pass_time)
    thread.start()
    yield
    is_done.set()
    thread.join()


def test_a_task_that_was_given_up_and_goes_on_is_told() -> None:
    let_go = threading.Event()

    @task(timeout_seconds=10)
    def stuck() -> None:
        let_go.wait(60)

    f = flow(name="f", fail_fast=False)(lambda: stuck())
    before = set(threading.enumerate())
    message = r"Tasks that were given up still run in: dagy-worker-\d+\."
    with pytest.raises(RuntimeError, match=message), harness() as test, time_passes(test.clock):
        assert f.run_local().status is RunStatus.FAILED
    let_go.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)


def test_many_leave_nothing_behind() -> None:
    before = threading.active_count()
    for number in range(200):
        with harness() as test:
            assert simple(number) == number
            assert len(test.store.list_runs(limit=9)) == 1
    assert threading.active_count() == before


def test_one_inside_another_has_its_own_store_and_gives_the_outer_one_back() -> None:
    with harness() as outer:
        simple.run_local(value=1)
        with harness() as inner:
            simple.run_local(value=2)
        simple.run_local(value=3)

    def values(test: Harness) -> list[int]:
        return sorted(run.parameters["value"] for run in test.store.list_runs(limit=9))

    assert (values(outer), values(inner)) == ([1, 3], [2])


def test_it_ends_when_the_test_raises(local_directory: Path) -> None:
    with pytest.raises(LookupError), harness() as test:
        raise LookupError
    simple.run_local()
    assert test.store.list_runs(limit=9) == []
    assert local_directory.exists()


def test_a_thread_sees_it_in_a_copy_of_the_context() -> None:
    results: list[Any] = []
    with harness() as test:
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(lambda: results.append(simple(4)),))
        thread.start()
        thread.join()
        assert len(test.store.list_runs(limit=9)) == 1
    assert results == [4]


def test_it_works_inside_a_coroutine() -> None:
    @task
    async def work(value: int) -> int:
        await asyncio.sleep(0)
        return value + 1

    async def test() -> None:
        with harness() as surroundings:
            f = flow(name="f")(lambda: give(work(give(1))))
            assert await asyncio.to_thread(lambda: f.run_local().result()) == 2
            assert f.run_local().result() == 2
            assert len(surroundings.store.list_runs(limit=9)) == 2

    asyncio.run(test())


def test_coroutines_side_by_side_have_their_own() -> None:
    async def test(value: int) -> list[Any]:
        with harness() as surroundings:
            await asyncio.sleep(0)
            simple.run_local(value=value)
            await asyncio.sleep(0)
            return [run.parameters["value"] for run in surroundings.store.list_runs(limit=9)]

    async def both() -> list[Any]:
        return await asyncio.gather(test(1), test(2))

    assert asyncio.run(both()) == [[1], [2]]


def test_processes_run_in_it_too() -> None:
    before = set(threading.enumerate())
    with harness() as test:
        assert simple.run_local(value=3, executor="processes").result() == 3
        assert len(test.store.list_runs(limit=9)) == 1
    assert set(threading.enumerate()) == before


def test_a_flow_that_a_task_runs_is_recorded_in_it_too(local_directory: Path) -> None:
    runs_a_flow = task(name="runs-a-flow")(lambda: simple(4))

    with harness() as test:
        assert flow(name="outer")(lambda: runs_a_flow()).run_local().result() == 4
        runs = test.store.list_runs(limit=9)
    assert sorted(run.flow_name for run in runs) == ["outer", "simple"]
    assert not local_directory.exists()


def test_its_parts_are_what_they_say() -> None:
    with harness() as test:
        assert isinstance(test.store, MemoryStore)
        assert isinstance(test.clock, FakeClock)
