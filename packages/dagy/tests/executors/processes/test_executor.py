from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from dagy import _failure
from dagy._attempt_context import AttemptContext, current_attempt
from dagy._capture import captured
from dagy._executors.processes import ProcessExecutor
from dagy_store import LocalMetadataStore
from dagy_types import (
    Attempt,
    AttemptEvent,
    AttemptResult,
    AttemptStarted,
    FailureReason,
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunStatus,
)
from dagy_types.errors import WorkerLostError

Say = Callable[[str], None]


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


@pytest.fixture
def start(bench_of: Any) -> Callable[..., Any]:
    """Put an executor on the bench, given the number of its slots, and tasks by name."""
    return lambda *args, **bodies: bench_of(ProcessExecutor, *args, **bodies)


def is_gone(process: int) -> bool:
    """Tell whether a process has ended, be it that nobody has taken note yet."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return not state or state.startswith("Z")


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS: nothing but zombies
        return True
    return False


def open_descriptors() -> int:
    return len([*Path("/dev/fd").iterdir()])


def sleep(_say: Say) -> None:
    time.sleep(600)


def count_in_c(_say: Say) -> None:
    sum(range(10**13))


def match_for_ages(_say: Say) -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def read_what_never_comes(_say: Say) -> None:
    ours, _theirs = socket.socketpair()
    ours.recv(1)


def wait_for_a_child(say: Say) -> None:
    child = subprocess.Popen(["sleep", "600"])
    say(f"child {child.pid}")
    child.wait()


@pytest.mark.parametrize(
    "hang", [sleep, count_in_c, match_for_ages, read_what_never_comes, wait_for_a_child]
)
def test_giving_up_ends_whatever_a_task_does_and_its_process_group(
    start: Any, wait_until: Any, hang: Callable[[Say], None]
) -> None:
    def body(_attempt: Attempt, say: Say) -> None:
        say(f"worker {os.getpid()}")
        hang(say)

    bench = start(1, hang=body, work=lambda *_: os.getpid())
    bench.submit("hang", "work")
    expected = 2 if hang is wait_for_a_child else 1
    bench.until(lambda: len(bench.messages("hang")) == expected)
    group, *children = [int(message.split()[1]) for message in bench.messages("hang")]
    bench.executor.give_up("hang", 1)
    assert int(bench.outcome("work")) != group
    wait_until(lambda: group_is_gone(group))
    for child in children:
        wait_until(lambda child=child: is_gone(child))
    assert len(bench.of("hang")) == 1 + expected


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans go to another parent")
def test_a_slot_is_free_only_when_nothing_is_left_of_a_given_up_attempt(start: Any) -> None:
    def spawn(_attempt: Attempt, say: Say) -> None:
        say(str(os.getpid()))
        subprocess.run(["sh", "-c", "sleep 600 & sleep 600"], check=False)

    bench = start(1, spawn=spawn, look=lambda attempt, _say: group_is_gone(attempt.number))
    for round_ in range(10):
        task = f"spawn-{round_}"
        bench.submit(task)
        bench.until(lambda task=task: bench.messages(task))
        group = int(bench.messages(task)[0])
        bench.submit("look", number=group)
        bench.executor.give_up(task, 1)
        assert bench.outcome("look", group) == "True"


def test_what_a_lost_worker_leaves_behind_is_killed(start: Any, wait_until: Any) -> None:
    def abandon(_attempt: Attempt, say: Say) -> None:
        say(str(subprocess.Popen(["sleep", "600"]).pid))
        os._exit(0)

    bench = start(1, abandon=abandon)
    bench.submit("abandon")
    bench.result("abandon")
    wait_until(lambda: is_gone(int(bench.messages("abandon")[0])))


def test_workers_are_used_again(start: Any) -> None:
    bench = start(2, work=lambda *_: os.getpid())
    bench.submit(*(f"work-{i}" for i in range(20)))
    processes = {bench.outcome(f"work-{i}") for i in range(20)}
    assert 1 <= len(processes) <= 2
    assert str(os.getpid()) not in processes


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os._exit(3), "it ended with exit status 3"),
        (lambda: os._exit(0), "it ended with exit status 0"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "it was killed by SIGKILL"),
        (lambda: ctypes.string_at(0), "it was killed by SIGSEGV"),
    ],
)
def test_a_task_that_takes_its_process_away_fails_and_the_others_go_on(
    start: Any, latch: Any, end: Callable[[], None], how: str
) -> None:
    def fall(_attempt: Attempt, say: Say) -> None:
        say("falling")
        if how.endswith("SIGSEGV"):
            import faulthandler
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            faulthandler.disable()
        end()

    bench = start(2, wait=lambda *_: latch.wait(), fall=fall, work=lambda *_: "done")
    bench.submit("wait", "fall", "work")
    error = bench.outcome("fall")
    assert isinstance(error, WorkerLostError)
    assert (error.message, error.task_id) == (f"Task 'fall' lost its process: {how}.", "fall")
    assert bench.messages("fall") == ["falling"]
    assert bench.outcome("work") == "done"
    latch.let_go()
    assert bench.outcome("wait") == "None"


def test_a_task_that_raises_what_cannot_be_sent_fails_with_the_like(start: Any) -> None:
    class LocalError(Exception):
        pass

    def fail(_attempt: Attempt, _say: Say) -> None:
        raise LocalError("here")

    bench = start(1, fail=fail)
    bench.submit("fail")
    assert _failure.summary(bench.outcome("fail")) == "LocalError: here"
    assert bench.result("fail").traceback.endswith("LocalError: here")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_stops_programs_does_not_stop_a_task(
    start: Any, latch: Any, number: int
) -> None:
    def work(_attempt: Attempt, say: Say) -> str:
        say(str(os.getpid()))
        latch.wait()
        return "done"

    bench = start(1, work=work)
    bench.submit("work")
    bench.until(lambda: bench.messages("work"))
    worker = int(bench.messages("work")[0])
    os.kill(worker, number)
    os.kill(os.getsid(worker), number)  # the zygote
    latch.let_go()
    assert bench.outcome("work") == "done"


def test_what_a_task_starts_can_be_terminated(start: Any) -> None:
    def run(_attempt: Attempt, _say: Say) -> int:
        child = subprocess.Popen(["sleep", "600"])
        child.terminate()
        return child.wait()

    def fork(_attempt: Attempt, _say: Say) -> int | None:
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        child.start()
        child.terminate()
        child.join()
        return child.exitcode

    bench = start(1, run=run, fork=fork)
    bench.submit("run", *(f"fork-{i}" for i in range(20)))
    assert bench.outcome("run") == str(-signal.SIGTERM)
    assert {bench.outcome(f"fork-{i}") for i in range(20)} == {str(-signal.SIGTERM)}


def perform_in_context(body: Callable[[], None]) -> Callable[..., Output]:
    """What the engine makes of a task, as far as capturing goes."""

    def perform(attempt: Attempt, emit: Callable[[LogRecord], None]) -> Output:
        context = AttemptContext("run", attempt.task_id, attempt.number, emit, utc_now)
        token = current_attempt.set(context)
        try:
            body()
        finally:
            context.flush()
            current_attempt.reset(token)
        return Output(b"", "text")

    return perform


def said_by(body: Callable[[], None]) -> list[tuple[str, str]]:
    """Run a body with capturing on and return logger and message of what it said."""
    inbox: SimpleQueue[AttemptEvent] = SimpleQueue()
    with captured():
        executor = ProcessExecutor(
            1, perform=perform_in_context(body), deliver=inbox.put, now=utc_now
        )
        executor.submit(Attempt("work", 1))
        events = [inbox.get(timeout=60)]
        assert isinstance(events[0], AttemptStarted)
        executor.close(wait=True)
    events += [inbox.get() for _ in range(inbox.qsize())]
    assert isinstance(events[-1], AttemptResult)
    assert isinstance(events[-1].outcome, Output)
    records = [event for event in events if isinstance(event, LogRecord)]
    assert {(each.task_id, each.attempt) for each in records} <= {("work", 1)}
    return [(each.logger, each.message) for each in records]


def test_what_a_task_prints_and_logs_is_captured() -> None:
    def body() -> None:
        print("printed")
        print("to stderr", file=sys.stderr)
        logging.getLogger("library").warning("logged")
        print("without an end", end="")

    assert said_by(body) == [
        ("stdout", "printed"),
        ("stderr", "to stderr"),
        ("library", "logged"),
        ("stdout", "without an end"),
    ]


def test_what_a_forked_child_of_a_task_prints_goes_past_the_record(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def body() -> None:
        children = [
            multiprocessing.get_context("fork").Process(target=print, args=("c" * 100_000,))
            for _ in range(3)
        ]
        for child in children:
            child.start()
        for _ in range(200):
            print("p" * 1000)
        for child in children:
            child.join()

    assert said_by(body) == [("stdout", "p" * 1000)] * 200
    assert capfd.readouterr().out.count("c") == 300_000


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Start a program that uses an executor, in a session of its own."""
    started: list[subprocess.Popen[str]] = []

    def run(text: str, **options: Any) -> subprocess.Popen[str]:
        path = tmp_path / "program.py"
        path.write_text(PREAMBLE + text)
        program = subprocess.Popen(
            [sys.executable, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )
        started.append(program)
        return program

    yield run
    for program in started:
        program.kill()
        program.communicate()


PREAMBLE = """
import os, signal, subprocess, sys, time
from datetime import datetime, timezone
from queue import SimpleQueue
from dagy._executors.processes import ProcessExecutor
from dagy_types import Attempt, Output

def now():
    return datetime.now(timezone.utc)

events = SimpleQueue()

def executor_of(perform, slots=1):
    return ProcessExecutor(slots, perform=perform, deliver=events.put, now=now)
"""

BUSY = """
def perform(attempt, emit):
    child = subprocess.Popen(["sleep", "600"])
    ids = f"{os.getpid()} {os.getsid(0)} {child.pid}\\n"
    os.write(1, ids.encode())
    sum(range(10**13))

executor = executor_of(perform, 2)
executor.submit(Attempt("work-1", 1))
executor.submit(Attempt("work-2", 1))
"""


def test_nothing_outlives_a_coordinator_that_is_killed(script: Any, wait_until: Any) -> None:
    program = script(f"{BUSY}\ntime.sleep(600)")
    processes = {int(each) for _ in range(2) for each in program.stdout.readline().split()}
    assert len(processes) == 5  # two workers, two children, one zygote
    program.kill()
    for process in processes:
        wait_until(lambda process=process: is_gone(process))


def test_nothing_outlives_it_although_a_fork_of_it_goes_on(script: Any, wait_until: Any) -> None:
    program = script(
        f"{BUSY}\nfork = os.fork()\nif fork:\n    os.write(1, b'%d\\n' % fork)\ntime.sleep(600)"
    )
    lines = [program.stdout.readline().split() for _ in range(3)]
    (fork,) = (int(line[0]) for line in lines if len(line) == 1)
    processes = {int(each) for line in lines if len(line) == 3 for each in line}
    assert len(processes) == 5
    program.kill()
    for process in processes:
        wait_until(lambda process=process: is_gone(process))
    assert not is_gone(fork)
    os.kill(fork, signal.SIGKILL)


def test_nothing_outlives_a_coordinator_that_ends_without_closing(
    script: Any, wait_until: Any
) -> None:
    program = script(f"{BUSY}\nwhile events.qsize() < 2:\n    pass\ntime.sleep(0.2)")
    processes = {int(each) for _ in range(2) for each in program.stdout.readline().split()}
    for process in processes:
        wait_until(lambda process=process: is_gone(process))
    assert program.wait() == 0


CTRL_C = """
def perform(attempt, emit):
    os.write(1, b"started\\n")
    os.read(LATCH, 1)
    return Output(b"done", "text")

signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
executor = executor_of(perform)
executor.submit(Attempt("work", 1))
events.get()  # it has started
executor.close(wait=True)
os.write(1, events.get().outcome.data + b"\\n")
"""


def test_ctrl_c_reaches_the_coordinator_alone(script: Any, latch: Any) -> None:
    program = script(
        f"LATCH = {latch.descriptor}\n{CTRL_C}",
        pass_fds=[latch.descriptor],
    )
    assert program.stdout.readline() == "started\n"
    os.killpg(program.pid, signal.SIGINT)
    assert program.stdout.readline() == "interrupted\n"
    latch.let_go()
    assert program.stdout.readline() == "done\n"
    assert program.wait() == 0


FLUSH = """
def perform(attempt, emit):
    sys.stdout.write("from the task\\n")
    return Output(b"", "text")

sys.stdout.write("from before\\n")
executor = executor_of(perform, 2)
for number in range(4):
    executor.submit(Attempt("work", number))
while events.qsize() < 8:
    pass
executor.close(wait=False)
"""


def test_what_is_written_past_the_capture_appears_once(script: Any) -> None:
    lines = script(FLUSH).communicate(timeout=60)[0].splitlines()
    assert lines == ["from before"] + 4 * ["from the task"]


def test_a_task_cannot_read_the_input_of_the_coordinator(start: Any) -> None:
    bench = start(1, read=lambda *_: repr((os.read(0, 10), sys.stdin.read())))
    bench.submit("read")
    assert bench.outcome("read") == "(b'', '')"


def test_the_run_is_not_kept_alive_by_its_workers(start: Any, latch: Any, tmp_path: Path) -> None:
    run = Run(
        run_id="r1",
        flow_name="f",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=utc_now(),
        started_at=utc_now(),
    )
    store = LocalMetadataStore(tmp_path)
    store.create_run(run, FlowSpec(name="f", tasks=()))

    def work(_attempt: Attempt, say: Say) -> None:
        say("here")
        latch.wait()

    bench = start(1, work=work)
    bench.submit("work")
    # Not before: a process that is being forked still has a copy of all that is open.
    bench.until(lambda: bench.messages("work"))
    store.close()  # as if it had been killed: that closes its files too
    with LocalMetadataStore(tmp_path) as reader:
        found = reader.get_run("r1")
    assert (found.status, found.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    latch.let_go()
    bench.result("work")


def test_workers_have_random_numbers_of_their_own(
    start: Any, latch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numpy_random: Any = types.ModuleType("numpy.random")
    numpy_random.numbers = random.Random(1)  # the same in each fork
    numpy_random.seed = lambda: numpy_random.numbers.seed(os.urandom(8))
    monkeypatch.setitem(sys.modules, "numpy.random", numpy_random)

    def draw(_attempt: Attempt, _say: Say) -> str:
        latch.wait()
        return f"{random.random()} {numpy_random.numbers.random()}"

    bench = start(3, draw=draw)
    bench.submit("draw-1", "draw-2", "draw-3")
    bench.until(lambda: len(bench.started) == 3)
    latch.let_go(3)
    numbers = " ".join(bench.outcome(f"draw-{i}") for i in (1, 2, 3)).split()
    assert len(set(numbers)) == 6


def test_nothing_of_the_executor_stays_open(start: Any) -> None:
    def use() -> None:
        bench = start(2, work=lambda *_: "done")
        bench.submit("work-1", "work-2", "work-3")
        bench.result("work-3")
        bench.executor.close(wait=True)

    use()
    before = open_descriptors(), threading.active_count()
    use()
    assert (open_descriptors(), threading.active_count()) == before


def test_an_idle_worker_that_is_killed_is_replaced(start: Any, wait_until: Any) -> None:
    bench = start(1, work=lambda *_: os.getpid())
    bench.submit("work-1")
    worker = int(bench.outcome("work-1"))
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: group_is_gone(worker))
    wait_until(lambda: not bench.executor._workers)
    bench.submit("work-2")
    assert int(bench.outcome("work-2")) != worker


def test_without_a_zygote_everything_fails_and_nothing_hangs(start: Any, wait_until: Any) -> None:
    def hang(_attempt: Attempt, say: Say) -> None:
        say(str(os.getpid()))
        time.sleep(600)

    bench = start(1, hang=hang)
    bench.submit("hang-1", "hang-2")
    bench.until(lambda: bench.messages("hang-1"))
    worker = int(bench.messages("hang-1")[0])
    os.kill(os.getsid(worker), signal.SIGKILL)
    for task in ("hang-1", "hang-2"):
        assert "is gone" in bench.outcome(task).message
    wait_until(lambda: is_gone(worker))
    bench.submit("hang-3")
    assert "is gone" in bench.outcome("hang-3").message
    assert [task for task, _ in bench.started] == ["hang-1", "hang-2", "hang-3"]
    bench.executor.close(wait=True)


def test_an_attempt_that_can_have_no_process_fails_and_says_why(start: Any) -> None:
    resource = pytest.importorskip("resource")
    bench = start(1, work=lambda *_: "done")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 1, limits[1]))
    try:
        bench.submit("work-1")
        error = bench.outcome("work-1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(opened[0])
    assert isinstance(error, WorkerLostError)
    assert "could not be started: Too many open files" in error.message
    bench.submit("work-2")
    assert bench.outcome("work-2") == "done"


def test_the_environment_of_a_task_is_that_of_the_coordinator(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_TEST_VALUE", "seen")
    values = {"captured": "by closure"}
    bench = start(1, work=lambda *_: f"{os.environ['DAGY_TEST_VALUE']} {values['captured']}")
    bench.submit("work")
    assert bench.outcome("work") == "seen by closure"
