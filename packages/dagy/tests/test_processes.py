"""Flows whose tasks run in processes of their own."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagy import flow, get_run_logger, task
from dagy.local.errors import TaskFailedError, TaskTimeoutError
from dagy.testing import FakeClock
from dagy_types import FailureReason, RunStatus, TaskStatus

PATIENCE_SECONDS = 60  # only a test that fails waits for so long


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert {each.name for each in threading.enumerate() if each not in before} == set()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


class Mailbox:
    """Bytes from tasks, whatever process they run in, to the test; and back."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()

    def send(self, text: str) -> None:
        os.write(self._in, f"{text}\n".encode())

    def receive(self) -> str:
        """Return the next line; a test that waits for what never comes fails."""
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self._out], [], [], PATIENCE_SECONDS)[0]
            line += os.read(self._out, 1)
        return line.decode().rstrip()

    def close(self) -> None:
        os.close(self._in)
        os.close(self._out)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def let_time_pass_until_gone(clock: FakeClock, *processes: int) -> None:
    # In small steps, so that the last one takes little of the time of what comes after.
    while not all(map(is_gone, processes)):
        clock.advance(1)
        time.sleep(0.001)


@task
def give(value: Any) -> Any:
    return value


@task
def process_id(_: Any = None) -> int:
    return os.getpid()


def run(trial: Any, body: Callable[[], Any], **options: Any) -> Any:
    return trial.run(flow(name="f", executor="processes")(body), **options)


def test_tasks_run_in_another_process_if_the_flow_says_so() -> None:
    f = flow(name="f", executor="processes")(lambda: process_id())
    assert f() != os.getpid()
    assert f.run_local(executor="threads").result() == os.getpid()


def test_tasks_run_in_another_process_if_the_run_says_so() -> None:
    f = flow(name="f")(lambda: process_id())
    assert f() == os.getpid()
    assert f.run_local(executor="processes").result() != os.getpid()


def test_tasks_at_work_at_once_are_in_processes_of_their_own(trial: Any, mailbox: Mailbox) -> None:
    replies = Mailbox()

    @task
    def meet() -> int:
        mailbox.send("here")
        replies.receive()
        return os.getpid()

    def let_both_go() -> None:
        for _ in range(2):
            mailbox.receive()
        for _ in range(2):
            replies.send("go")

    helper = threading.Thread(target=let_both_go)
    f = flow(name="f", executor="processes", on_running=[lambda *_: helper.start()])(
        lambda: [meet(), meet()]
    )
    first, second = trial.run(f, max_workers=2).result()
    helper.join()
    replies.close()
    assert len({first, second, os.getpid()}) == 3


def test_with_one_worker_there_is_one_process_after_the_other(trial: Any) -> None:
    assert len(set(run(trial, lambda: process_id.map([1] * 20), max_workers=1).result())) == 1


def test_closures_and_tasks_that_are_defined_where_they_are_used_work(trial: Any) -> None:
    unit = lambda number: number * factor  # noqa: E731
    factor = 3

    @task
    def scale(numbers: list[int]) -> list[int]:
        def scaled(number: int) -> int:
            return unit(number)

        return [scaled(number) for number in numbers]

    anonymous = task(name="anonymous")(lambda numbers: [factor, *numbers])
    assert run(trial, lambda: anonymous(scale([1, 2]))).result() == [3, 3, 6]


def test_globals_are_as_they_were_when_the_run_began(
    trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PATIENCE_SECONDS", 17)
    look = task(name="look")(lambda: PATIENCE_SECONDS)
    assert run(trial, lambda: look()).result() == 17


def test_what_a_task_changes_in_memory_stays_in_its_process(trial: Any) -> None:
    seen: list[int] = []
    note = task(name="note")(lambda: seen.append(1))
    run(trial, lambda: note()).raise_for_status()
    assert seen == []


def test_values_reach_tasks_and_results_as_in_threads(trial: Any) -> None:
    value = {"a": (1, {2}), b"c": [None, 0.5], 3: "ä \udcff"}
    large = "x" * 3_000_000
    assert run(trial, lambda: [give(give(value)), give(give(large))]).result() == [value, large]


def test_coroutine_functions_run_there(trial: Any) -> None:
    @task
    async def later() -> int:
        await asyncio.sleep(0)
        return os.getpid()

    assert run(trial, lambda: later()).result() != os.getpid()


def test_what_tasks_print_and_log_is_recorded_by_task(
    trial: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    @task
    def talk(name: str) -> None:
        print(f"{name} prints")
        print(f"{name} complains", file=sys.stderr)
        logging.getLogger("library").warning("%s warns", name)
        get_run_logger().debug("%s details", name)
        print("and ends without a new line", end="")

    run(trial, lambda: [talk("a"), talk("d")])
    for task_id, name in (("talk", "a"), ("talk-2", "d")):
        assert [(each.level, each.logger, each.message) for each in trial.logs(task_id)] == [
            ("INFO", "stdout", f"{name} prints"),
            ("INFO", "stderr", f"{name} complains"),
            ("WARNING", "library", f"{name} warns"),
            ("DEBUG", "dagy.task", f"{name} details"),
            ("INFO", "stdout", "and ends without a new line"),
        ]
    assert {each.attempt for each in trial.logs("talk")} == {1}
    assert "prints" not in capfd.readouterr().out


def test_children_of_a_map_run_there_and_log_under_their_ids(trial: Any) -> None:
    @task
    def talk(number: int) -> int:
        print("item", number)
        return os.getpid()

    processes = run(trial, lambda: talk.map(give([0, 1, 2]))).result()
    assert os.getpid() not in processes
    assert [trial.messages(f"talk[{index}]") for index in range(3)] == [
        ["item 0"],
        ["item 1"],
        ["item 2"],
    ]


def test_a_thousand_children_are_run_in_order(trial: Any) -> None:
    double = task(name="double")(lambda number: 2 * number)
    result = run(trial, lambda: double.map(give(list(range(1000)))), max_workers=2)
    assert result.result() == list(range(0, 2000, 2))


def test_a_list_of_outputs_can_be_mapped_over(trial: Any) -> None:
    assert run(trial, lambda: give.map([give(1), give(2), 3])).result() == [1, 2, 3]


class OwnError(Exception):
    """Has a constructor of its own, and can be pickled all the same."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class UnpicklableError(Exception):
    """Cannot be sent anywhere."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("make", "type_name", "told"),
    [
        (lambda: OwnError(7), "OwnError", "7"),
        (lambda: UnpicklableError(7, "no"), "UnpicklableError", "7: no"),
        (lambda: type("LocalError", (ValueError,), {})("no"), "LocalError", "no"),
    ],
)
def test_what_a_task_raises_reaches_the_condition_and_the_caller(
    trial: Any, make: Any, type_name: str, told: str
) -> None:
    asked: list[Exception] = []

    def is_worth_it(error: Exception) -> bool:
        asked.append(error)
        return True

    @task(retries=1, retry_condition_fn=is_worth_it)
    def fail() -> None:
        raise make()

    result = run(trial, lambda: fail())
    assert result.error == f"Task 'fail' failed: {type_name}: {told}"
    with pytest.raises(TaskFailedError) as caught:
        result.raise_for_status()
    cause = caught.value.__cause__
    assert (type(cause).__name__, str(cause)) == (type_name, told)
    assert [type(error).__name__ for error in asked] == [type_name]
    assert trial.task_runs["fail"].attempt == 2
    assert any("in fail\n" in message for message in trial.messages("fail"))


def test_an_exception_of_a_class_that_both_sides_know_keeps_what_it_carries(trial: Any) -> None:
    def fail() -> None:
        raise OwnError(7)

    result = run(trial, lambda: task(fail)())
    with pytest.raises(TaskFailedError) as caught:
        result.raise_for_status()
    assert isinstance(caught.value.__cause__, OwnError)
    assert caught.value.__cause__.code == 7


def busy() -> None:
    while True:
        pass


def sleeping() -> None:
    signal.pause()


def reading() -> None:
    never, _ = os.pipe()
    os.read(never, 1)


def deaf() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        signal.pause()


@pytest.mark.parametrize("stuck", [busy, sleeping, reading, deaf])
def test_a_time_limit_kills_and_the_retry_starts_clean(
    trial: Any, mailbox: Mailbox, tmp_path: Path, stuck: Callable[[], None]
) -> None:
    """ORCH-09."""
    been_here = tmp_path / "been-here"

    @task(timeout_seconds=10, retries=1)
    def slow() -> int:
        if not been_here.exists():
            been_here.touch()
            mailbox.send(str(os.getpid()))
            stuck()
        return os.getpid()

    victims: list[int] = []

    def let_time_pass() -> None:
        victims.append(int(mailbox.receive()))
        let_time_pass_until_gone(trial.clock, *victims)

    helper = threading.Thread(target=let_time_pass)
    f = flow(name="f", executor="processes", on_running=[lambda *_: helper.start()])(lambda: slow())
    survivor = trial.run(f, max_workers=1).result()
    helper.join()
    assert survivor != victims[0]
    assert trial.task_runs["slow"].attempt == 2
    assert "Task 'slow' did not end within 10 s." in trial.messages("slow")


def test_a_task_that_is_out_of_time_for_good_has_timed_out(trial: Any, mailbox: Mailbox) -> None:
    @task(timeout_seconds=10)
    def slow() -> None:
        mailbox.send(str(os.getpid()))
        busy()

    def let_time_pass() -> None:
        let_time_pass_until_gone(trial.clock, int(mailbox.receive()))

    helper = threading.Thread(target=let_time_pass)
    f = flow(name="f", executor="processes", on_running=[lambda *_: helper.start()])(
        lambda: give(slow())
    )
    result = trial.run(f)
    helper.join()
    assert trial.states == {"slow": "TIMED_OUT", "give": "SKIPPED"}
    with pytest.raises(TaskFailedError) as caught:
        result.raise_for_status()
    assert isinstance(caught.value.__cause__, TaskTimeoutError)


def test_with_a_task_that_is_killed_goes_what_it_has_started(trial: Any, mailbox: Mailbox) -> None:
    @task(timeout_seconds=10)
    def starts_others() -> None:
        program = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        forked = os.fork()
        if forked == 0:
            signal.pause()
        mailbox.send(f"{program.pid} {forked}")
        busy()

    started: list[int] = []

    def let_time_pass() -> None:
        started.extend(map(int, mailbox.receive().split()))
        let_time_pass_until_gone(trial.clock, *started)

    helper = threading.Thread(target=let_time_pass)
    f = flow(name="f", executor="processes", on_running=[lambda *_: helper.start()])(
        lambda: starts_others()
    )
    assert trial.run(f).status is RunStatus.FAILED
    helper.join()
    assert all(map(is_gone, started))


def test_the_flows_time_limit_kills_too(trial: Any, mailbox: Mailbox) -> None:
    @task
    def slow() -> None:
        mailbox.send(str(os.getpid()))
        busy()

    victims: list[int] = []

    def let_time_pass() -> None:
        victims.append(int(mailbox.receive()))
        trial.clock.advance(11)

    helper = threading.Thread(target=let_time_pass)
    f = flow(
        name="f",
        executor="processes",
        timeout_seconds=10,
        on_running=[lambda *_: helper.start()],
    )(lambda: slow())
    result = trial.run(f)
    helper.join()
    assert (result.status, result.reason) == (RunStatus.FAILED, FailureReason.TIMED_OUT)
    assert trial.states == {"slow": "CANCELLED"}
    assert is_gone(victims[0])


@pytest.fixture
def can_be_interrupted() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("can_be_interrupted")
def test_an_interrupt_lets_running_tasks_finish(trial: Any, mailbox: Mailbox) -> None:
    replies = Mailbox()

    @task
    def slow() -> str:
        mailbox.send("at work")
        replies.receive()
        return "finished"

    def interrupt() -> None:
        mailbox.receive()
        os.kill(os.getpid(), signal.SIGINT)
        replies.send("go")

    helper = threading.Thread(target=interrupt)
    f = flow(name="f", executor="processes", on_running=[lambda *_: helper.start()])(
        lambda: give(slow())
    )
    with pytest.raises(KeyboardInterrupt):
        trial.run(f)
    helper.join()
    replies.close()
    [recorded] = trial.store.list_runs(limit=9)
    states = {each.task_id: each.status for each in trial.store.list_task_runs(recorded.run_id)}
    assert recorded.status is RunStatus.CANCELLED
    assert states == {"slow": TaskStatus.SUCCEEDED, "give": TaskStatus.CANCELLED}


@pytest.mark.usefixtures("can_be_interrupted")
def test_after_an_interrupt_tasks_are_killed_when_the_grace_period_is_over(
    trial: Any, mailbox: Mailbox
) -> None:
    victims: list[int] = []

    @task
    def slow() -> None:
        mailbox.send(str(os.getpid()))
        deaf()

    def interrupt() -> None:
        victims.append(int(mailbox.receive()))
        os.kill(os.getpid(), signal.SIGINT)
        let_time_pass_until_gone(trial.clock, *victims)

    helper = threading.Thread(target=interrupt)
    f = flow(name="f", executor="processes", on_running=[lambda *_: helper.start()])(lambda: slow())
    with pytest.raises(KeyboardInterrupt):
        trial.run(f)
    helper.join()
    [recorded] = trial.store.list_runs(limit=9)
    assert recorded.status is RunStatus.CANCELLED
    [task_run] = trial.store.list_task_runs(recorded.run_id)
    assert (task_run.status, is_gone(victims[0])) == (TaskStatus.CANCELLED, True)


def test_fail_fast_ends_a_run_without_a_process_left(trial: Any) -> None:
    @task
    def fail() -> None:
        raise ValueError

    def body() -> Any:
        return [fail(), *(process_id() for _ in range(20))]

    assert run(trial, body, max_workers=2).status is RunStatus.FAILED
    assert trial.states["fail"] == "FAILED"
    assert set(trial.states.values()) <= {"FAILED", "SUCCEEDED", "CANCELLED"}


def test_a_task_can_use_processes_itself(trial: Any) -> None:
    @task
    def many() -> list[int]:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(abs, [-1, -2])

    assert run(trial, lambda: many()).result() == [1, 2]


def test_hooks_run_in_the_process_that_runs_the_flow(trial: Any) -> None:
    told: list[tuple[int, Any]] = []
    hook = [lambda context, _: told.append((os.getpid(), context.parameters))]
    noted = give.with_options(on_running=hook, on_completion=hook)
    run(trial, lambda: noted.map([5]))
    assert told == [(os.getpid(), {"value": 5})] * 2


def test_cached_outputs_and_conditions_work_as_in_threads(trial: Any) -> None:
    cached = process_id.with_options(cache="inputs")
    first, second = (run(trial, lambda: cached(1)).result() for _ in range(2))
    assert first == second != os.getpid()
    assert run(trial, lambda: process_id.run_if(give(0))()).result() is None


def test_arguments_are_checked_there(trial: Any) -> None:
    @task
    def typed(number: int) -> int:
        return number

    assert "parameter 'number' must be int" in str(run(trial, lambda: typed(give("x"))).error)


def test_its_input_is_not_the_terminals(trial: Any) -> None:
    read = task(name="read")(lambda: sys.stdin.read())
    assert run(trial, lambda: read()).result() == ""
