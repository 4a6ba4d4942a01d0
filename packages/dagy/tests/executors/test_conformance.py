"""What every executor promises (ORCH-26). For one of your own, add it to `FACTORIES`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from dagy._executors.processes import ProcessExecutor
from dagy._executors.threads import ThreadExecutor
from dagy_types import Attempt, AttemptEvent, AttemptResult, AttemptStarted, LogRecord, Output

FACTORIES: dict[str, Callable[..., Any]] = {"threads": ThreadExecutor, "processes": ProcessExecutor}


@pytest.fixture(params=FACTORIES)
def start(request: pytest.FixtureRequest, bench_of: Any) -> Callable[..., Any]:
    """Put an executor on the bench, given the number of its slots, and tasks by name."""
    return lambda *args, **bodies: bench_of(FACTORIES[request.param], *args, **bodies)


def kinds(events: list[AttemptEvent]) -> list[type]:
    return [type(event) for event in events]


def test_attempts_start_in_the_order_in_which_they_are_submitted(start: Any) -> None:
    bench = start(1, work=lambda _attempt, _say: "done")
    tasks = [f"work-{i}" for i in range(20)]
    bench.submit(*tasks)
    bench.result("work-19")
    assert bench.started == [(task, 1) for task in tasks]
    assert list(bench.results) == bench.started


def test_all_slots_are_used_and_no_more(start: Any, latch: Any) -> None:
    bench = start(3, work=lambda _attempt, _say: latch.wait())
    tasks = [f"work-{i}" for i in range(7)]
    bench.submit(*tasks)
    bench.until(lambda: len(bench.started) == 3)
    for _ in tasks:
        latch.let_go()
        ended = len(bench.results)
        bench.until(lambda ended=ended: len(bench.results) > ended)
    running = [0]
    for event in bench.events:
        running.append(running[-1] + (1 if isinstance(event, AttemptStarted) else -1))
    assert max(running) == 3


def test_hundreds_of_attempts_on_a_few_slots_all_end(start: Any) -> None:
    bench = start(3, work=lambda attempt, _say: attempt.task_id)
    tasks = [f"work-{i}" for i in range(500)]
    bench.submit(*tasks)
    bench.until(lambda: len(bench.results) == len(tasks))
    assert [bench.outcome(task) for task in tasks] == tasks
    assert len(bench.events) == 2 * len(tasks)


def test_an_attempt_has_a_start_then_what_it_says_then_a_result(start: Any) -> None:
    def work(_attempt: Attempt, say: Callable[[str], None]) -> None:
        say("one")
        say("two")

    bench = start(2, work=work)
    tasks = [f"work-{i}" for i in range(10)]
    bench.submit(*tasks)
    bench.until(lambda: len(bench.results) == len(tasks))
    for task in tasks:
        assert kinds(bench.of(task)) == [AttemptStarted, LogRecord, LogRecord, AttemptResult]
        assert bench.messages(task) == ["one", "two"]


def test_times_are_those_of_the_start_and_the_end(start: Any, latch: Any) -> None:
    bench = start(1, work=lambda _attempt, _say: latch.wait())
    bench.submit("work", "work-next")
    bench.until_started("work")
    latch.let_go(2)
    bench.result("work-next")
    first, end, second, _ = bench.events
    assert first.at <= end.ended_at <= second.at


def test_an_attempt_gets_what_it_was_submitted_with(start: Any) -> None:
    bench = start(1, work=lambda attempt, _say: repr(attempt))
    outputs = (Output(b"a", "json"), Output(b"b", "json"))
    attempt = Attempt(
        "work", 3, {"up": outputs[0], "mapped": outputs}, index=7, items=(None, outputs[1])
    )
    bench.executor.submit(attempt)
    assert bench.outcome("work", 3) == repr(attempt)


def test_what_a_task_raises_is_its_outcome_with_the_place_where_it_was_raised(start: Any) -> None:
    def fail(_attempt: Attempt, _say: Any) -> None:
        raise LookupError("not here")

    bench = start(1, fail=fail)
    bench.submit("fail")
    error = bench.outcome("fail")
    assert (type(error), error.args) == (LookupError, ("not here",))
    traceback = bench.result("fail").traceback
    assert "in fail\n" in traceback
    assert traceback.endswith("LookupError: not here")
    assert "_executors" not in traceback


class Exotic(BaseException):
    pass


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Exotic(1)])
def test_nothing_that_a_task_raises_costs_a_slot(start: Any, error: BaseException) -> None:
    def fail(_attempt: Attempt, _say: Any) -> None:
        raise error

    bench = start(1, fail=fail, work=lambda _attempt, _say: "done")
    bench.submit("fail", "work")
    outcome = bench.outcome("fail")
    assert (type(outcome), outcome.args) == (type(error), error.args)
    assert bench.outcome("work") == "done"


def test_withdraw_gives_back_exactly_what_has_not_started(start: Any, latch: Any) -> None:
    bench = start(2, work=lambda _attempt, _say: latch.wait())
    tasks = [f"work-{i}" for i in range(6)]
    bench.submit(*tasks)
    bench.until(lambda: len(bench.started) == 2)
    withdrawn = bench.executor.withdraw()
    assert withdrawn == [Attempt(task, 1) for task in tasks[2:]]
    assert bench.executor.withdraw() == []
    latch.let_go(2)
    bench.executor.close(wait=True)
    bench.take_in()
    assert {event.task_id for event in bench.events} == {*tasks[:2]}
    assert len(bench.results) == 2


def test_what_was_withdrawn_can_be_submitted_again(start: Any, latch: Any) -> None:
    bench = start(1, work=lambda _attempt, _say: latch.wait())
    bench.submit("work-1", "work-2", "work-3")
    bench.until_started("work-1")
    for attempt in reversed(bench.executor.withdraw()):
        bench.executor.submit(attempt)
    latch.let_go(3)
    bench.until(lambda: len(bench.results) == 3)
    assert bench.started == [("work-1", 1), ("work-3", 1), ("work-2", 1)]


def test_while_attempts_are_withdrawn_each_either_starts_or_comes_back(start: Any) -> None:
    bench = start(3, work=lambda _attempt, _say: None)
    tasks = [f"work-{i}" for i in range(300)]
    withdrawn = []
    for task in tasks:
        bench.submit(task)
        withdrawn += bench.executor.withdraw()
    bench.executor.close(wait=True)
    bench.take_in()
    started = [task for task, _ in bench.started]
    assert sorted(started + [attempt.task_id for attempt in withdrawn]) == sorted(tasks)
    assert {*bench.results} == {*bench.started}


def test_a_given_up_attempt_says_nothing_more_and_its_slot_is_free(start: Any, latch: Any) -> None:
    def babble(_attempt: Attempt, say: Callable[[str], None]) -> None:
        while not latch.is_let_go():
            say("and another thing")

    bench = start(1, babble=babble, work=lambda _attempt, _say: "done")
    bench.submit("babble", "work")
    bench.until(lambda: len(bench.messages("babble")) > 3)
    bench.executor.give_up("babble", 1)
    bench.take_in()
    said = len(bench.of("babble"))
    assert bench.outcome("work") == "done"
    bench.take_in()
    assert len(bench.of("babble")) == said
    assert ("babble", 1) not in bench.results


def test_an_attempt_can_be_given_up_before_it_starts(start: Any, latch: Any) -> None:
    bench = start(1, work=lambda _attempt, _say: latch.wait())
    bench.submit("work-1", "work-2", "work-3")
    bench.until_started("work-1")
    bench.executor.give_up("work-2", 1)
    latch.let_go(3)
    bench.result("work-3")
    assert bench.of("work-2") == []
    bench.submit("work-2")
    bench.result("work-2")


def test_what_was_given_up_before_it_started_is_not_given_back(start: Any, latch: Any) -> None:
    bench = start(1, work=lambda _attempt, _say: latch.wait())
    bench.submit("work-1", "work-2", "work-3")
    bench.until_started("work-1")
    bench.executor.give_up("work-2", 1)
    assert bench.executor.withdraw() == [Attempt("work-3", 1)]


def test_giving_up_what_has_ended_or_never_was_does_nothing(start: Any) -> None:
    bench = start(1, work=lambda _attempt, _say: "done")
    bench.submit("work-1")
    bench.result("work-1")
    bench.executor.give_up("work-1", 1)
    bench.executor.give_up("nobody", 1)
    bench.submit("work-2")
    assert bench.outcome("work-2") == "done"


def test_giving_up_at_any_moment_is_final_and_costs_no_other_attempt(start: Any) -> None:
    bench = start(2, work=lambda attempt, _say: attempt.task_id)
    said = {}
    for i in range(100):
        wanted, unwanted = f"work-{i}", f"work-{i}-unwanted"
        bench.submit(unwanted, wanted)
        bench.executor.give_up(unwanted, 1)
        bench.take_in()
        said[unwanted] = len(bench.of(unwanted))
        assert bench.outcome(wanted) == wanted
    bench.executor.close(wait=True)
    bench.take_in()
    assert {task: len(bench.of(task)) for task in said} == said


def test_a_second_attempt_is_not_the_first(start: Any, latch: Any) -> None:
    def work(attempt: Attempt, _say: Any) -> int:
        while attempt.number == 1 and not latch.is_let_go():
            pass
        return attempt.number

    bench = start(1, work=work)
    bench.submit("work")
    bench.until_started("work", 1)
    bench.submit("work", number=2)
    bench.executor.give_up("work", 1)
    assert bench.outcome("work", 2) == "2"
    assert {*bench.results} == {("work", 2)}


def test_two_attempts_at_one_task_at_once_are_told_apart(start: Any, latch: Any) -> None:
    def work(attempt: Attempt, say: Callable[[str], None]) -> int:
        say(f"I am {attempt.number}")
        latch.wait()
        return attempt.number

    bench = start(2, work=work)
    bench.submit("work", number=1)
    bench.submit("work", number=2)
    bench.until(lambda: len(bench.started) == 2)
    latch.let_go(2)
    assert (bench.outcome("work", 1), bench.outcome("work", 2)) == ("1", "2")
    assert sorted(bench.messages("work")) == ["I am 1", "I am 2"]


def test_large_outputs_and_inputs_pass(start: Any) -> None:
    size = 8 * 1024 * 1024
    bench = start(2, work=lambda attempt, _say: attempt.inputs["up"].data[::-1])
    up = Output(bytes(range(256)) * (size // 256), "text")
    for i in range(4):
        bench.executor.submit(Attempt(f"work-{i}", 1, {"up": up}))
    for i in range(4):
        assert bench.result(f"work-{i}").outcome.data == up.data[::-1]


def test_many_and_long_messages_pass_in_order(start: Any) -> None:
    def work(_attempt: Attempt, say: Callable[[str], None]) -> bytes:
        for i in range(3000):
            say(f"{i} " + "x" * (i % 500))
        say("y" * 3_000_000)
        return b"z" * 3_000_000

    bench = start(2, work=work)
    bench.submit("work-1", "work-2")
    for task in ("work-1", "work-2"):
        assert bench.outcome(task) == "z" * 3_000_000
        *counted, long = bench.messages(task)
        assert [int(message.split()[0]) for message in counted] == list(range(3000))
        assert long == "y" * 3_000_000


def test_what_several_threads_of_a_task_say_arrives_whole(start: Any) -> None:
    def work(_attempt: Attempt, say: Callable[[str], None]) -> None:
        def count(name: str) -> None:
            for i in range(300):
                say(f"{name} {i} {'x' * 1000}")

        threads = [threading.Thread(target=count, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    bench = start(1, work=work)
    bench.submit("work")
    bench.result("work")
    said = [message.split()[:2] for message in bench.messages("work")]
    for name in "abc":
        assert [int(i) for each, i in said if each == name] == list(range(300))


def test_what_is_said_after_the_result_is_not_delivered(start: Any, latch: Any) -> None:
    leftovers: list[threading.Thread] = []

    def work(_attempt: Attempt, say: Callable[[str], None]) -> None:
        def go_on() -> None:
            latch.wait()
            say("too late")

        leftovers.append(threading.Thread(target=go_on))
        leftovers[0].start()

    def wait_for_the_leftover(_attempt: Attempt, _say: Any) -> None:
        latch.let_go()
        leftovers[0].join()

    bench = start(1, work=work, end=wait_for_the_leftover)
    bench.submit("work", "end")
    bench.result("end")
    assert kinds(bench.of("work")) == [AttemptStarted, AttemptResult]


def test_close_waits_for_what_is_under_way_and_starts_nothing_more(start: Any, latch: Any) -> None:
    bench = start(2, work=lambda _attempt, _say: latch.wait())
    bench.submit("work-1", "work-2", "work-3", "work-4")
    bench.until(lambda: len(bench.started) == 2)
    closer = threading.Thread(target=lambda: bench.executor.close(wait=True))
    closer.start()
    latch.let_go()
    bench.until(lambda: len(bench.results) == 1)
    assert closer.is_alive()
    latch.let_go()
    closer.join()
    bench.take_in()
    assert {*bench.started} == {*bench.results} == {("work-1", 1), ("work-2", 1)}


def test_close_without_waiting_gives_up_what_is_under_way(start: Any, latch: Any) -> None:
    bench = start(2, work=lambda _attempt, _say: latch.wait())
    bench.submit("work-1", "work-2", "work-3")
    bench.until(lambda: len(bench.started) == 2)
    bench.executor.close(wait=False)
    latch.let_go(3)
    bench.take_in()
    assert bench.results == {}
    assert len(bench.started) == 2


@pytest.mark.parametrize("wait", [True, False])
def test_a_closed_executor_takes_nothing_and_may_be_closed_again(start: Any, wait: bool) -> None:
    bench = start(1, work=lambda _attempt, _say: None)
    bench.submit("work")
    bench.result("work")
    bench.executor.close(wait=wait)
    bench.executor.close(wait=True)
    assert bench.executor.withdraw() == []
    bench.executor.give_up("work", 1)
    with pytest.raises(RuntimeError, match="The executor is closed"):
        bench.submit("work-2")


def test_an_executor_that_was_never_used_can_be_closed(start: Any) -> None:
    start(4).executor.close(wait=True)


def test_an_executor_works_for_any_thread(start: Any) -> None:
    outcomes = []

    def use() -> None:
        bench = start(2, work=lambda attempt, _say: attempt.task_id)
        bench.submit("work-1", "work-2")
        outcomes.extend([bench.outcome("work-1"), bench.outcome("work-2")])
        bench.executor.close(wait=True)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert outcomes == ["work-1", "work-2"]


def test_an_executor_can_be_closed_while_a_later_one_is_in_use(start: Any, latch: Any) -> None:
    first = start(1, work=lambda _attempt, _say: "first")
    first.submit("work")
    first.result("work")
    second = start(1, work=lambda _attempt, _say: latch.wait())
    second.submit("work")
    second.until_started("work")
    first.executor.close(wait=True)
    latch.let_go()
    assert second.result("work")


def test_two_executors_do_not_disturb_each_other(start: Any, latch: Any) -> None:
    first = start(1, work=lambda _attempt, _say: latch.wait())
    first.submit("work")
    first.until_started("work")
    second = start(1, work=lambda _attempt, _say: "second")
    second.submit("work")
    assert second.outcome("work") == "second"
    second.executor.close(wait=True)
    latch.let_go()
    assert first.result("work")


def test_a_slot_whose_result_was_an_exception_waits_until_it_may_go_on(start: Any) -> None:
    def fail(_attempt: Attempt, _say: Any) -> None:
        raise ValueError("no")

    bench = start(1, fail=fail, work=lambda _attempt, _say: "done")
    bench.proceeds = False
    bench.submit("fail-1", "work-2", "work-3")
    bench.result("fail-1")
    assert [each.task_id for each in bench.executor.withdraw()] == ["work-2", "work-3"]
    bench.submit("work-4")
    bench.executor.proceed()
    assert bench.outcome("work-4") == "done"
    assert bench.started == [("fail-1", 1), ("work-4", 1)]


def test_a_slot_that_waits_to_go_on_keeps_nobody_from_closing(start: Any) -> None:
    def fail(_attempt: Attempt, _say: Any) -> None:
        raise ValueError("no")

    bench = start(1, fail=fail)
    bench.proceeds = False
    bench.submit("fail-1")
    bench.result("fail-1")
    bench.executor.close(wait=True)
    assert not [each for each in threading.enumerate() if each.name.startswith("dagy-")]
