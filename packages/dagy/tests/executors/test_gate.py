from __future__ import annotations

import threading
from datetime import datetime, timezone

from dagy._executors.gate import Gate
from dagy_types import Attempt, AttemptEvent, AttemptResult, AttemptStarted, Output

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
STARTED = AttemptStarted("work", 1, NOW)
RESULT = AttemptResult("work", 1, NOW, Output(b"", "json"))


def test_nothing_passes_after_the_result() -> None:
    delivered: list[AttemptEvent] = []
    gate = Gate(Attempt("work", 1), delivered.append)
    assert gate.let_through(STARTED)
    assert gate.finish(RESULT)
    assert not gate.let_through(STARTED)
    assert not gate.finish(RESULT)
    assert delivered == [STARTED, RESULT]


def test_nothing_passes_a_shut_gate() -> None:
    delivered: list[AttemptEvent] = []
    gate = Gate(Attempt("work", 1), delivered.append)
    assert gate.shut()
    assert not gate.let_through(STARTED)
    assert not gate.finish(RESULT)
    assert delivered == []


def test_a_gate_is_shut_once() -> None:
    calls: list[int] = []
    gate = Gate(Attempt("work", 1), lambda _event: None)
    assert gate.shut(lambda: calls.append(1))
    assert not gate.shut(lambda: calls.append(2))
    assert calls == [1]


def test_shutting_waits_for_an_event_that_is_just_passing() -> None:
    is_passing, may_pass = threading.Event(), threading.Event()
    steps: list[str] = []

    def deliver(_event: AttemptEvent) -> None:
        is_passing.set()
        may_pass.wait()
        steps.append("passed")

    def shut() -> None:
        gate.shut()
        steps.append("shut")

    gate = Gate(Attempt("work", 1), deliver)
    threads = [threading.Thread(target=gate.let_through, args=(STARTED,))]
    threads[0].start()
    is_passing.wait()
    threads.append(threading.Thread(target=shut))
    threads[1].start()
    may_pass.set()
    for thread in threads:
        thread.join()
    assert steps == ["passed", "shut"]


def test_delivering_may_say_something_itself() -> None:
    delivered: list[AttemptEvent] = []

    def deliver(event: AttemptEvent) -> None:
        delivered.append(event)
        if event is not RESULT and len(delivered) < 3:
            gate.let_through(STARTED)

    gate = Gate(Attempt("work", 1), deliver)
    gate.let_through(STARTED)
    assert delivered == [STARTED] * 3
