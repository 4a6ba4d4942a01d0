"""What the store promises when several processes use it, or one is killed."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

NewRun = Callable[..., Run]
At = Callable[[float], datetime]

_FORK = multiprocessing.get_context("fork")
_TASKS = 2000


def _tool(name: str) -> ModuleType:
    """A script of the maintainers: the tests run little of what it can do."""
    path = Path(__file__).parents[3] / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    spec.loader.exec_module(module)
    return module


def test_many_processes_open_one_absent_store_at_once(tmp_path: Path) -> None:
    """STORE-01; ``tools/stress_open.py`` repeats it as often as one likes."""
    assert _tool("stress_open").stress(tmp_path, processes=32, repetitions=20) == []


def test_no_commit_is_lost_to_checkpoints_between_writers(tmp_path: Path) -> None:
    """STORE-02; ``tools/stress_checkpoints.py --seconds 600`` takes longer."""
    commits, problems = _tool("stress_checkpoints").stress(tmp_path, processes=6, seconds=3, seed=1)
    assert problems == []
    assert commits > 0


def test_no_commit_is_lost_when_all_writers_are_killed(tmp_path: Path) -> None:
    """STORE-03; ``tools/stress_kill.py --rounds 1000`` takes longer."""
    acknowledged, problems = _tool("stress_kill").stress(tmp_path, rounds=100, seed=1)
    assert problems == []
    assert acknowledged > 1000


def test_many_writers_at_once_are_never_told_that_the_store_is_busy(tmp_path: Path) -> None:
    """STORE-05; ``tools/stress_writers.py --transactions 2000`` takes longer."""
    stress_writers = _tool("stress_writers")
    met = stress_writers.stress(tmp_path, processes=16, transactions=50, seed=1)
    assert stress_writers.problems_of(tmp_path, met, transactions=50) == []
    assert [len(outcome.seconds) for outcome in met] == [50] * 16


def test_the_benchmark_reads_what_it_has_filled_in() -> None:
    """STORE-16; ``tools/bench/store.py`` alone means anything, with a million runs."""
    script = Path(__file__).parents[3] / "tools" / "bench" / "store.py"
    few = ("--runs=60", "--few-runs=30", "--task-runs=120", "--tasks-shown=10", "--repetitions=2")
    done = subprocess.run(
        [sys.executable, script, *few], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, 1)  # 1 when it was slow: two reads tell nothing
    assert "60 runs with 2 tasks each" in done.stdout
    table = done.stdout.partition("milliseconds")[2].splitlines()[1:]
    assert [line.partition("  ")[0] for line in table] == [
        "list",
        "list --status",
        "list --flow",
        "list --flow --status",
        "list --since",
        "list --sort started",
        "list --cursor",
        "show",
    ]


def _write_until_killed(directory: Path, run: Run, batch: int, pipe: Connection) -> None:
    """Start task after task, and say after each commit how many are recorded."""
    tasks = tuple(TaskSpec(task_id=f"t{number}", name="t") for number in range(_TASKS))
    with LocalMetadataStore(directory) as store:
        store.create_run(run, FlowSpec(name="daily", tasks=tasks))
        for begin in range(0, _TASKS, batch):
            store.record_tasks(
                run.run_id,
                [
                    TaskTransition(f"t{number}", TaskStatus.RUNNING, run.created_at, attempt=1)
                    for number in range(begin, begin + batch)
                ],
            )
            store.append_logs(
                run.run_id,
                [
                    LogRecord(
                        run_id=run.run_id,
                        at=run.created_at,
                        level="INFO",
                        logger="test",
                        message=str(begin + batch),
                    )
                ],
            )
            pipe.send(begin + batch)
    pipe.send(None)


@pytest.mark.parametrize("batch", [1, 50])
def test_what_a_killed_writer_recorded_is_kept_and_its_run_is_shown_as_crashed(
    directory: Path, new_run: NewRun, batch: int
) -> None:
    receiver, sender = _FORK.Pipe(duplex=False)
    writer = _FORK.Process(target=_write_until_killed, args=(directory, new_run(), batch, sender))
    writer.start()
    sender.close()
    recorded = [receiver.recv() for _ in range(10)]
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    while receiver.poll():
        try:
            recorded.append(receiver.recv())
        except EOFError:
            break
    receiver.close()
    with LocalMetadataStore(directory) as store:
        run = store.get_run("r1")
        tasks = store.list_task_runs("r1")
        logged = [int(record.message) for record in store.read_logs("r1")]
    assert (run.status, run.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    known = [task.status is not TaskStatus.PENDING for task in tasks]
    # A batch that was never acknowledged may have been committed, but only whole.
    count = sum(known)
    assert count in (recorded[-1], recorded[-1] + batch)
    assert known == [True] * count + [False] * (_TASKS - count)
    assert {task.status for task in tasks[:count]} == {TaskStatus.FAILED}
    assert logged[: len(recorded)] == recorded


def test_reading_goes_on_while_another_process_writes(directory: Path, new_run: NewRun) -> None:
    receiver, sender = _FORK.Pipe(duplex=False)
    writer = _FORK.Process(target=_write_until_killed, args=(directory, new_run(), 10, sender))
    writer.start()
    sender.close()
    recorded = receiver.recv()
    with LocalMetadataStore(directory) as store:
        while recorded is not None:
            started = sum(task.attempt for task in store.list_task_runs("r1"))
            assert started >= recorded
            assert started % 10 == 0
            while receiver.poll():
                recorded = receiver.recv()
                if recorded is None:
                    break
    writer.join()
    receiver.close()
    assert writer.exitcode == 0


def test_readers_that_stay_open_neither_block_a_writer_nor_let_the_log_grow(
    directory: Path, new_run: NewRun
) -> None:
    """STORE-14: what a reader asked for is read at once, however slowly it is looked at."""

    def refuse_to_wait(_: float) -> None:
        pytest.fail("a reader holds up the writer")

    tasks = tuple(TaskSpec(task_id=f"t{number}", name="t") for number in range(_TASKS))
    log = directory / "dagy.db-wal"
    sizes = []
    with (
        LocalMetadataStore(directory, sleep=refuse_to_wait, checkpoint_bytes=200_000) as writer,
        LocalMetadataStore(directory) as reader,
    ):
        run = new_run()
        writer.create_run(run, FlowSpec(name="daily", tasks=tasks))
        writer.append_logs(
            "r1",
            [
                LogRecord(run_id="r1", at=run.created_at, level="INFO", logger="x", message=str(n))
                for n in range(3)
            ],
        )
        slow = reader.read_logs("r1", follow=True)
        runs = iter(reader.list_runs(limit=5))
        assert next(slow).message == "0"
        for task in tasks[:500]:
            moves = [
                TaskTransition(task.task_id, TaskStatus.RUNNING, run.created_at, attempt=1),
                TaskTransition(
                    task.task_id,
                    TaskStatus.SUCCEEDED,
                    run.created_at,
                    output=Output(b"x" * 8000, "json"),
                ),
            ]
            writer.record_tasks("r1", moves)
            sizes.append(log.stat().st_size)
        assert next(slow).message == "1"
        assert next(runs).run_id == "r1"
        assert (directory / "dagy.db").stat().st_size > 3_000_000
        assert max(sizes) < 300_000


def _in_fork(action: Callable[[], None]) -> int:
    process = _FORK.Process(target=action)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def test_a_store_survives_a_fork_on_both_sides(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)

    def use_in_child() -> None:
        assert not store._database.is_connected  # SQLite must not be carried into a new process
        assert store.get_run("r1").status is RunStatus.RUNNING
        store.create_run(new_run("child"), spec)
        store.finish_run("child", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
        store.close()

    assert _in_fork(use_in_child) == 0
    assert store.get_run("child").status is RunStatus.SUCCEEDED
    assert store.get_run("r1").status is RunStatus.RUNNING
    store.record_tasks("r1", [TaskTransition("extract", TaskStatus.RUNNING, at(2), attempt=1)])
    store.finish_run("r1", RunEnd(status=RunStatus.CANCELLED, ended_at=at(9)))
    assert store.get_run("r1").status is RunStatus.CANCELLED


def test_a_fork_cannot_end_the_run_of_its_parent(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    store.create_run(new_run(), spec)
    assert _in_fork(store.close) == 0
    with LocalMetadataStore(directory) as other:
        assert other.get_run("r1").status is RunStatus.RUNNING


def test_a_fork_does_not_keep_the_run_of_its_killed_parent_alive(
    directory: Path, spec: FlowSpec, new_run: NewRun
) -> None:
    receiver, sender = _FORK.Pipe(duplex=False)

    def run_and_fork() -> None:
        store = LocalMetadataStore(directory)
        store.create_run(new_run(), spec)
        child = os.fork()
        sender.send(child or os.getpid())
        signal.pause()

    parent = _FORK.Process(target=run_and_fork)
    parent.start()
    child, same_child = receiver.recv(), receiver.recv()
    assert child == same_child
    assert parent.pid is not None
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    try:
        with LocalMetadataStore(directory) as store:
            assert store.get_run("r1").reason is FailureReason.CRASHED
    finally:
        os.kill(child, signal.SIGKILL)
        receiver.close()
        sender.close()


def test_nothing_is_left_open_in_a_program_that_forks_and_ends(directory: Path) -> None:
    """STORE-17: with warnings as errors, on both sides, down to the end of the interpreter."""
    program = """
        import os, sys
        from datetime import datetime, timezone
        from dagy_store import LocalMetadataStore
        from dagy_types import FlowSpec, Run, RunEnd, RunStatus

        now = datetime.now(timezone.utc)
        run = Run(run_id="r1", flow_name="f", flow_version="1", status=RunStatus.RUNNING,
                  created_at=now)
        with LocalMetadataStore(sys.argv[1]) as store:
            store.create_run(run, FlowSpec(name="f"))
            child = os.fork()
            if not child:
                sys.exit(0)
            _, status = os.waitpid(child, 0)
            assert status == 0
            store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=now))
            print(store.get_run("r1").status)
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program), directory],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "SUCCEEDED\n", "")
