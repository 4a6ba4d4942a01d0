"""What the engine promises, promise by promise; each test is named after one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import dagy
from dagy import Flow, flow, get_run_logger, task
from dagy._executors.performing import performed
from dagy._inbox import Inbox
from dagy._plan import Plan
from dagy._surroundings import Surroundings, current_surroundings, surroundings
from dagy.local import LocalLogger, run_flow
from dagy.testing import harness
from dagy_store import LocalMetadataStore
from dagy_types import (
    Attempt,
    AttemptStarted,
    Executor,
    FailureReason,
    FlowSpec,
    Perform,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import StoreError

QUIET = LocalLogger(quiet=True)
PATIENCE_SECONDS = 60  # only a test that fails waits for so long


@task
def give(value: Any) -> Any:
    return value


@task
def count(values: list[int]) -> int:
    return len(values)


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


def test_a_thread_that_has_ended_a_task_goes_on_with_the_run(
    recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    record_tasks = recorder.record_tasks

    def noted(run_id: str, changes: Any) -> None:
        threads.add(threading.current_thread().name)
        record_tasks(run_id, changes)

    monkeypatch.setattr(recorder, "record_tasks", noted)
    run(chain_flow(50), recorder)
    assert "dagy-worker-1" in threads


def test_write_ahead_children_start_only_after_their_map_and_dependents_after_all(
    recorder: Any,
) -> None:
    seen: list[Any] = []

    @task
    def child(number: int) -> int:
        seen.append(recorder.states.get("child"))
        return number

    @task
    def look(_: Any) -> None:
        children = [recorder.states[f"child[{index}]"] for index in range(20)]
        seen.append((recorder.states["child"], set(children)))

    @flow
    def f() -> None:
        look(child.map(list(range(20))))

    run(f, recorder, max_workers=4)
    assert seen == [TaskStatus.RUNNING] * 20 + [(TaskStatus.SUCCEEDED, {TaskStatus.SUCCEEDED})]


def test_write_ahead_nothing_is_built_on_what_could_not_be_recorded(recorder: Any) -> None:
    called: list[int] = []

    class Full(type(recorder)):  # type: ignore[misc]
        def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
            if any(each.status is TaskStatus.SUCCEEDED for each in transitions):
                raise StoreError("The disk is full.")
            super().record_tasks(run_id, transitions)

    @task
    def step(number: int) -> int:
        called.append(number)
        return number + 1

    @flow
    def f() -> Any:
        return step(step(1))

    with pytest.raises(StoreError):
        run(f, Full())
    assert called == [1]


def test_write_ahead_a_resume_never_repeats_what_was_committed() -> None:
    """`test_engine_model` tells it of random flows and crashes."""
    called: list[int] = []

    @task
    def step(number: int) -> int:
        called.append(number)
        if called.count(7) == 1 and number == 7:
            raise ValueError("no")
        return number

    @flow(fail_fast=False)
    def f() -> Any:
        return count(step.map(list(range(10))))

    with harness():
        failed = f.run_local()
        assert f.resume(failed.run_id).result() == 10
    assert sorted(called) == sorted([*range(10), 7])


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


VALUES = [
    (1, "two", 3.0),
    {1, 2},
    frozenset({"a"}),
    b"\x00\xff",
    datetime(2026, 11, 1, tzinfo=timezone.utc),
    date(2026, 11, 1),
    Decimal("1.10"),
    Path("a/b"),
    {1: "a", (2, 3): None},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_isolation_a_consumer_gets_exactly_what_was_returned_now_and_after_a_resume(
    value: Any,
) -> None:
    seen: list[Any] = []

    @task
    def make() -> Any:
        return value

    @task
    def look(got: Any) -> None:
        seen.append(got)
        if len(seen) == 1:
            raise ValueError("no")

    @flow(fail_fast=False)
    def f() -> Any:
        made = make()
        look(made)
        return made

    with harness():
        failed = f.run_local()
        assert f.resume(failed.run_id).result() == value
    assert seen == [value, value]
    assert {type(each) for each in seen} == {type(value)}


def test_isolation_what_cannot_be_restored_is_refused_with_the_remedy(recorder: Any) -> None:
    class Odd: ...

    @task
    def make() -> Any:
        return Odd()

    @flow
    def f() -> None:
        make()

    result = run(f, recorder)
    assert result.status is RunStatus.FAILED
    assert "Odd" in result.error


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


@contextmanager
def counted_lines(of: Callable[[str], bool] = lambda _: True) -> Iterator[list[int]]:
    """Count the lines of Python that this thread executes: a clock that never varies.

    Args:
        of: Tells of the name of a file whether its lines count.
    """
    count = [0]

    def count_line(_: FrameType, event: str, __: Any) -> Any:
        count[0] += event == "line"
        return count_line

    def trace(frame: FrameType, _: str, __: Any) -> Any:
        return count_line if of(frame.f_code.co_filename) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def lines_of_plan(spec: FlowSpec) -> int:
    with counted_lines() as lines:
        plan = Plan(spec)
        while (task_id := plan.take()) is not None:
            plan.succeed(task_id)
    return lines[0]


@pytest.mark.parametrize("shape", [wide, chain])
def test_linear_cost_twice_the_tasks_take_twice_the_steps(shape: Any) -> None:
    small, large = lines_of_plan(shape(500)), lines_of_plan(shape(1000))
    assert small > 500
    assert large < 2.05 * small


def lines_of_maps(maps: int, *, is_stopped: bool) -> int:
    """Count what mapped tasks cost that share a limit, each with three children."""
    tasks = tuple(TaskSpec(task_id=f"m{each}", name="m", is_mapped=True) for each in range(maps))
    limits = {each.task_id: ("one key", 2) for each in tasks}
    with counted_lines() as lines:
        plan = Plan(FlowSpec(name="f", tasks=tasks), limits)
        for each in tasks:
            assert plan.take() == each.task_id
        for each in tasks:
            plan.fan_out(each.task_id, 3)
        if is_stopped:
            plan.take()
            plan.take()
            assert plan.take() is None
            assert len(plan.drop_unstarted()) == 3 * maps - 2
        while (task_id := plan.take()) is not None:
            plan.take()
            assert plan.take() is None
            plan.succeed(task_id)
    return lines[0]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_linear_cost_maps_that_a_limit_holds_back_are_not_looked_at_again_and_again(
    is_stopped: bool,
) -> None:
    small, large = (lines_of_maps(maps, is_stopped=is_stopped) for maps in (200, 400))
    assert small > 200
    assert large < 2.05 * small


class OneByOne:
    """A clock and an executor: each wait runs one attempt, so that a run takes the same turns each
    time, all in one thread."""

    def __init__(self) -> None:
        self._attempts: deque[Attempt] = deque()

    def now(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=timezone.utc)

    def monotonic(self) -> float:
        return 0.0

    def wait(self, inbox: Inbox[Any], until: float, *, is_idle: bool) -> None:
        if self._attempts:
            attempt = self._attempts.popleft()
            self._deliver(AttemptStarted(attempt.task_id, attempt.number, self.now()))
            self._deliver(performed(self._perform, attempt, self._deliver, now=self.now))

    def make_executor(self, *_: Any, perform: Perform, deliver: Any, **__: Any) -> Executor:
        self._perform, self._deliver = perform, deliver
        return self

    def submit(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)

    def proceed(self) -> None:
        pass

    def withdraw(self) -> list[Attempt]:
        withdrawn = list(self._attempts)
        self._attempts.clear()
        return withdrawn

    def give_up(self, task_id: str, number: int) -> None:
        raise AssertionError

    def close(self, *, wait: bool) -> None:
        pass


ENGINE = f"{Path(dagy.__file__).parent}{os.sep}"


def is_of_engine(file_name: str) -> bool:
    return file_name.startswith(ENGINE)


def wide_flow(size: int) -> Flow[..., Any]:
    return flow(lambda: give([give(number) for number in range(size)]))


def chain_flow(size: int) -> Flow[..., Any]:
    def body() -> Any:
        value = give(0)
        for _ in range(size):
            value = give(value)
        return value

    return flow(body)


def layers_flow(size: int) -> Flow[..., Any]:
    def body() -> Any:
        layer: list[Any] = []
        for _ in range(size // 10):
            layer = [count(layer) for _ in range(10)]
        return layer

    return flow(body)


def mapped_flow(size: int) -> Flow[..., Any]:
    return flow(lambda: give(give.map(list(range(size)))))


def limited_flow(size: int) -> Flow[..., Any]:
    few = give.with_options(concurrency_limit=3)
    return flow(lambda: [few.map(list(range(size // 2))), *map(few, range(size // 2))])


def failing_flow(size: int) -> Flow[..., Any]:
    @task
    def fail(number: int) -> None:
        raise ValueError(number)

    return flow(lambda: [give(fail(number)) for number in range(size // 2)], fail_fast=False)


def stopped_flow(size: int) -> Flow[..., Any]:
    @task(concurrency_limit=1)
    def fail(number: int) -> None:
        raise ValueError(number)

    return flow(lambda: [fail(number) for number in range(size)])


def lines_of_engine(of: Flow[..., Any], recorder: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count the lines that a run of a flow takes."""
    real, one_by_one = surroundings(), OneByOne()
    monkeypatch.setattr("dagy._engine.make_executor", one_by_one.make_executor)
    token = current_surroundings.set(Surroundings(real.open_store, one_by_one, real.make_logger))
    graph = of.trace({})
    of.trace = lambda _: graph  # type: ignore[method-assign]
    try:
        with counted_lines(is_of_engine) as lines:
            run(of, recorder, max_workers=1)
    finally:
        current_surroundings.reset(token)
    return lines[0]


SHAPES = [
    wide_flow,
    chain_flow,
    layers_flow,
    mapped_flow,
    limited_flow,
    failing_flow,
    stopped_flow,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_cost_twice_the_tasks_take_the_engine_twice_the_steps(
    shape: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagy.testing import MemoryStore

    small, large = (
        lines_of_engine(shape(size), MemoryStore(), monkeypatch) for size in (600, 1200)
    )
    assert small > 600
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


KILL_ITSELF = """
import os, signal
from dagy import flow, task

@task
def first(): return 1

@task
def second(value): os.kill(os.getpid(), signal.SIGKILL)

@flow
def f():
    second(first())

f.run_local()
"""


def test_truthful_states_a_run_whose_process_was_killed_is_told_as_crashed() -> None:
    killed = subprocess.run([sys.executable, "-c", KILL_ITSELF], check=False)
    assert killed.returncode == -signal.SIGKILL
    with LocalMetadataStore() as store:
        [crashed] = store.list_runs(limit=9)
        tasks = {each.task_id: each.status for each in store.list_task_runs(crashed.run_id)}
    assert (crashed.status, crashed.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    assert tasks["first"] is TaskStatus.SUCCEEDED
    # The kill may come before the start of the second is recorded.
    assert tasks["second"] in (TaskStatus.FAILED, TaskStatus.PENDING)


def test_honest_timeouts_a_thread_is_marked_and_its_slot_given_back() -> None:
    """What runs Python code is interrupted, too: `test_retries`."""
    may_end = threading.Event()

    with harness() as test:

        @task(timeout_seconds=5)
        def hang() -> None:
            test.clock.advance(6)
            may_end.wait(PATIENCE_SECONDS)

        @task
        def other() -> None:
            may_end.set()

        @flow(fail_fast=False, max_workers=1)
        def f() -> None:
            hang()
            other()

        result = f.run_local()
        assert result.error is not None
        assert "did not end within 5 s" in result.error
        statuses = {each.task_id: each.status for each in test.store.list_task_runs(result.run_id)}
    assert statuses == {"hang": TaskStatus.TIMED_OUT, "other": TaskStatus.SUCCEEDED}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_honest_timeouts_in_processes_the_whole_group_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "processes"

    @task(timeout_seconds=5)
    def hang() -> None:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        told.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
        told.with_suffix(".part").rename(told)
        child.wait()

    @flow(fail_fast=False, executor="processes")
    def f() -> None:
        hang()

    with harness() as test:

        def let_the_time_pass() -> None:
            wait_until(told.exists)
            test.clock.advance(6)

        mover = threading.Thread(target=let_the_time_pass)
        mover.start()
        result = f.run_local()
        mover.join()
        [recorded] = test.store.list_task_runs(result.run_id)
    assert recorded.status is TaskStatus.TIMED_OUT
    task_process, child = map(int, told.read_text().split())
    wait_until(lambda: is_gone(task_process) and is_gone(child))


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


@pytest.fixture
def default_handlers() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def watching(recorder: Any) -> tuple[Any, threading.Event]:
    """Return a recorder, and an event that is set once it has recorded a task as cancelled."""
    is_cancelled = threading.Event()

    class Watching(type(recorder)):  # type: ignore[misc]
        def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
            super().record_tasks(run_id, transitions)
            if any(each.status is TaskStatus.CANCELLED for each in transitions):
                is_cancelled.set()

    return Watching(), is_cancelled


@pytest.mark.usefixtures("default_handlers")
def test_interrupts_once_cancels_what_waits_and_lets_what_runs_finish(recorder: Any) -> None:
    watch, is_cancelled = watching(recorder)

    @task
    def work() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        assert is_cancelled.wait(PATIENCE_SECONDS)
        return "finished"

    @flow
    def f() -> None:
        give(work())

    with pytest.raises(KeyboardInterrupt):
        run(f, watch)
    assert watch.states == {"work": TaskStatus.SUCCEEDED, "give": TaskStatus.CANCELLED}
    assert watch.status is RunStatus.CANCELLED


@pytest.mark.usefixtures("default_handlers")
def test_interrupts_twice_end_the_run_now(recorder: Any) -> None:
    watch, is_cancelled = watching(recorder)
    may_end = threading.Event()

    @task
    def stubborn() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert is_cancelled.wait(PATIENCE_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)
        may_end.wait(PATIENCE_SECONDS)

    @flow
    def f() -> None:
        give(stubborn())

    with pytest.raises(KeyboardInterrupt):
        run(f, watch)
    may_end.set()
    assert watch.states == {"stubborn": TaskStatus.CANCELLED, "give": TaskStatus.CANCELLED}
    assert watch.status is RunStatus.CANCELLED
