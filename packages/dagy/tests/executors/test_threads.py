from __future__ import annotations

import subprocess
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any

from dagy._clock import SystemClock
from dagy._executors.threads import ThreadExecutor
from dagy_types import Attempt, AttemptResult, AttemptStarted, Output

INTERRUPT = """
import sys, threading, time
from datetime import datetime, timezone
from queue import SimpleQueue
from dagy._executors.threads import ThreadExecutor
from dagy_types import Attempt, AttemptStarted, Output

steps = []

def perform(attempt, emit):
    if attempt.task_id == "next":
        return Output(b"next", "text")
    try:
        while True:
            time.sleep(0.001)
    except Exception:
        steps.append("swallowed")
    finally:
        steps.append("interrupted")

events = SimpleQueue()
executor = ThreadExecutor(
    1, perform=perform, deliver=events.put, now=lambda: datetime.now(timezone.utc)
)
for round in range(20):
    executor.submit(Attempt("sleep", round))
    assert type(events.get()) is AttemptStarted
    executor.give_up("sleep", round)
executor.submit(Attempt("next", 1))
assert type(events.get()) is AttemptStarted
print(events.get().outcome.data)
executor.close(wait=True)
print(events.qsize(), *set(steps), len(steps), threading.active_count())
"""


def test_a_task_that_sleeps_in_small_steps_is_interrupted() -> None:
    # In a process of its own: under a tracer, such as that of coverage, threads are left alone.
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("b'next'\n0 interrupted 20 1\n", "")


RACE = """
import sys, threading
from datetime import datetime, timezone
from queue import SimpleQueue
from dagy._executors.threads import ThreadExecutor
from dagy_types import Attempt, AttemptResult, Output

sys.setswitchinterval(1e-5)
events = SimpleQueue()
executor = ThreadExecutor(
    2,
    perform=lambda attempt, emit: Output(b"", "text"),
    deliver=events.put,
    now=lambda: datetime.now(timezone.utc),
)
ended = set()
for round in range(3000):
    executor.submit(Attempt("unwanted", round))
    executor.submit(Attempt("wanted", round))
    executor.give_up("unwanted", round)
    while ("wanted", round) not in ended:
        event = events.get(timeout=30)
        if isinstance(event, AttemptResult):
            assert isinstance(event.outcome, Output), event
            ended.add((event.task_id, event.number))
executor.close(wait=True)
print(threading.active_count())
"""


def test_an_interrupt_hits_no_other_attempt_and_no_thread_that_is_ending() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.stdout, ended.stderr) == ("1\n", "")


def test_under_a_tracer_a_given_up_task_is_left_alone(bench_of: Any, latch: Any) -> None:
    ends: list[BaseException | None] = []

    def work(_attempt: Attempt, _say: Any) -> None:
        try:
            latch.wait()
            ends.append(None)
        except BaseException as error:
            ends.append(error)

    bench = bench_of(ThreadExecutor, 1, work=work)
    bench.submit("work")
    bench.until_started("work")
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        bench.executor.give_up("work", 1)
    finally:
        sys.settrace(before)
    latch.let_go()
    bench.executor.close(wait=True)
    assert ends == [None]
    bench.take_in()
    assert bench.results == {}


def test_threads_start_as_they_are_needed(bench_of: Any) -> None:
    bench = bench_of(ThreadExecutor, 50, work=lambda *_: threading.current_thread().name)
    names = set()
    for i in range(20):
        bench.submit(f"work-{i}")
        names.add(bench.outcome(f"work-{i}"))
    assert "dagy-worker-1" in names
    assert sum(t.name.startswith("dagy-worker-") for t in threading.enumerate()) <= 3


def test_the_threads_are_daemons(bench_of: Any) -> None:
    bench = bench_of(ThreadExecutor, 1, work=lambda *_: threading.current_thread().daemon)
    bench.submit("work")
    assert bench.outcome("work") == "True"


def test_close_does_not_wait_for_a_given_up_task_that_cannot_be_interrupted(
    bench_of: Any, latch: Any
) -> None:
    bench = bench_of(ThreadExecutor, 1, work=lambda *_: latch.wait())
    bench.submit("work")
    bench.until_started("work")
    bench.executor.give_up("work", 1)
    bench.executor.close(wait=True)
    assert [t for t in threading.enumerate() if t.name.startswith("dagy-worker-")]


def test_close_leaves_no_thread(bench_of: Any) -> None:
    before = threading.active_count()
    bench = bench_of(ThreadExecutor, 4, work=lambda *_: time.sleep(0.001))
    bench.submit(*(f"work-{i}" for i in range(8)))
    bench.result("work-7")
    bench.executor.close(wait=True)
    assert threading.active_count() == before


def test_an_idle_thread_keeps_no_input_alive(bench_of: Any, wait_until: Any) -> None:
    output = Output(b"x", "text")
    before = sys.getrefcount(output)
    bench = bench_of(ThreadExecutor, 1, work=lambda *_: None)
    bench.executor.submit(Attempt("work", 1, {"up": output}))
    bench.result("work")
    wait_until(lambda: sys.getrefcount(output) == before)


def number_of(attempt: Attempt, emit: Any) -> Output:
    return Output(str(attempt.number).encode(), "text")


def test_a_result_is_handed_in_with_whether_its_thread_has_nothing_else_to_do() -> None:
    is_submitted = threading.Event()
    told: SimpleQueue[Any] = SimpleQueue()

    def perform(attempt: Attempt, emit: Any) -> Output:
        assert is_submitted.wait(60)
        return number_of(attempt, emit)

    executor = ThreadExecutor(
        1,
        perform=perform,
        deliver=lambda event: None,
        hand_in=lambda result: told.put(result.outcome.data),
        go_on=told.put,
        now=SystemClock().now,
    )
    executor.submit(Attempt("task", 1))
    executor.submit(Attempt("task", 2))
    is_submitted.set()
    assert [told.get(timeout=60) for _ in range(4)] == [b"1", False, b"2", True]
    executor.close(wait=True)


def test_nobody_can_give_up_an_attempt_while_its_result_is_handed_in() -> None:
    could_shut: SimpleQueue[bool] = SimpleQueue()

    def hand_in(result: AttemptResult) -> None:
        [worker] = executor._workers
        assert worker.gate is not None
        lock = worker.gate._lock
        other = threading.Thread(target=lambda: could_shut.put(lock.acquire(blocking=False)))
        other.start()
        other.join()

    executor = ThreadExecutor(
        1,
        perform=number_of,
        deliver=lambda event: None,
        hand_in=hand_in,
        now=SystemClock().now,
    )
    executor.submit(Attempt("task", 1))
    assert not could_shut.get(timeout=60)
    executor.close(wait=True)


def test_who_is_handed_a_result_may_submit_more_and_the_same_thread_goes_on() -> None:
    threads = []
    is_over = threading.Event()

    def go_on(is_idle: bool) -> None:
        threads.append(threading.current_thread())
        if len(threads) < 100:
            executor.submit(Attempt("task", len(threads) + 1))
        else:
            is_over.set()

    executor = ThreadExecutor(
        6, perform=number_of, deliver=lambda event: None, go_on=go_on, now=SystemClock().now
    )
    executor.submit(Attempt("task", 1))
    assert is_over.wait(60)
    executor.close(wait=True)
    assert len(set(threads)) == 1


def test_a_failure_is_delivered_and_not_handed_in() -> None:
    events: SimpleQueue[Any] = SimpleQueue()

    def fail(attempt: Attempt, emit: Any) -> Output:
        raise ValueError("no")

    def refuse(_: Any) -> None:
        raise AssertionError

    executor = ThreadExecutor(
        1,
        perform=fail,
        deliver=events.put,
        hand_in=refuse,
        go_on=refuse,
        now=SystemClock().now,
    )
    executor.submit(Attempt("task", 1))
    assert isinstance(events.get(timeout=60), AttemptStarted)
    assert isinstance(events.get(timeout=60).outcome, ValueError)
    executor.proceed()
    executor.close(wait=True)
