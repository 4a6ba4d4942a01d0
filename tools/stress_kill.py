"""Kill all writers of a store at a random moment, again and again (STORE-03).

    python tools/stress_kill.py --rounds 1000

After each round the store must open without waiting for anybody, be whole, hold all that was
acknowledged, and show every killed run as crashed with no task left running. Needs dagy-store and
the standard library.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    FlowSpec,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

WRITERS = 4
_TASKS_OF_A_RUN = 8
_MOST_ACKNOWLEDGEMENTS = 40
_ROUNDS_PER_STORE = 50
_CHECKPOINT_BYTES = 64 * 1024  # small, so that kills meet checkpoints too
_LONGEST_MESSAGE_BYTES = 64  # shorter than what a pipe writes in one piece
_TASKS = tuple(TaskSpec(task_id=f"t{number}", name="t") for number in range(_TASKS_OF_A_RUN))


def stress(directory: Path, *, rounds: int, seed: int) -> tuple[int, list[str]]:
    """Return how many acknowledgements were checked, and what went wrong."""
    random_source = random.Random(seed)
    checked = 0
    problems: list[str] = []
    for number in range(rounds):
        store = directory / str(number // _ROUNDS_PER_STORE)
        acknowledged = _round(store, number, random_source)
        checked += len(acknowledged)
        problems.extend(
            f"round {number}: {problem}" for problem in _problems_of(store, number, acknowledged)
        )
    return checked, problems


def main() -> int:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        checked, problems = stress(Path(directory), rounds=arguments.rounds, seed=arguments.seed)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"{arguments.rounds} rounds, {WRITERS} writers each, seed {arguments.seed}: "
        f"{checked} acknowledgements, {len(problems)} problems, {time.monotonic() - begin:.1f} s"
    )
    return 1 if problems else 0


def _round(directory: Path, number: int, random_source: random.Random) -> list[str]:
    """Kill the writers after so many acknowledgements and some spinning; return all of them."""
    reading, writing = os.pipe()
    writers = [_fork_writer(directory, f"{number}-{index}", writing) for index in range(WRITERS)]
    os.close(writing)
    with os.fdopen(reading) as pipe:
        acknowledged = [
            pipe.readline().strip() for _ in range(random_source.randrange(_MOST_ACKNOWLEDGEMENTS))
        ]
        for _ in range(random_source.randrange(20_000)):  # a moment between acknowledgements
            pass
        random_source.shuffle(writers)
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
        for writer in writers:
            _, status = os.waitpid(writer, 0)
            if not os.WIFSIGNALED(status):
                raise RuntimeError("a writer ended by itself")
        acknowledged.extend(line.strip() for line in pipe)
    return acknowledged


def _fork_writer(directory: Path, name: str, pipe: int) -> int:
    writer = os.fork()
    if writer:
        return writer
    try:
        _write_until_killed(directory, name, pipe)
    finally:
        os._exit(1)


def _write_until_killed(directory: Path, name: str, pipe: int) -> None:
    def acknowledge(what: str) -> None:
        message = f"{what}\n".encode()
        assert len(message) <= _LONGEST_MESSAGE_BYTES
        os.write(pipe, message)

    store = LocalMetadataStore(
        directory, busy_timeout_seconds=60, checkpoint_bytes=_CHECKPOINT_BYTES
    )
    now = datetime.now(timezone.utc)
    count = 0
    while True:
        run_id = f"{name}-{count}"
        run = Run(
            run_id=run_id,
            flow_name="stress",
            flow_version="1",
            status=RunStatus.RUNNING,
            created_at=now,
        )
        store.create_run(run, FlowSpec(name="stress", tasks=_TASKS))
        acknowledge(f"created {run_id}")
        for index, task in enumerate(_TASKS):
            store.record_tasks(
                run_id, [TaskTransition(task.task_id, TaskStatus.RUNNING, now, attempt=1)]
            )
            acknowledge(f"started {run_id} {task.task_id}")
            end = TaskTransition(task.task_id, TaskStatus.SUCCEEDED, now, output=_output(index))
            store.record_tasks(run_id, [end])
            acknowledge(f"ended {run_id} {task.task_id}")
        store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=now))
        acknowledge(f"finished {run_id}")
        count += 1


def _output(index: int) -> Output:
    """In the row, or in a file of its own where the index is odd."""
    return Output(bytes([index]) * (9000 if index % 2 else 3000), "json")


def _problems_of(directory: Path, number: int, acknowledged: list[str]) -> Iterator[str]:
    try:
        store = LocalMetadataStore(directory, sleep=_refuse_to_wait)
    except Exception as error:
        yield f"the store does not open: {error!r}"
        return
    with store:
        runs = {
            run.run_id: run
            for run in store.list_runs(limit=1_000_000)
            if run.run_id.startswith(f"{number}-")
        }
        tasks = {
            (run_id, task.task_id): task for run_id in runs for task in store.list_task_runs(run_id)
        }
        for line in acknowledged:
            yield from _lost(store, line.split(), runs, tasks)
    for run in runs.values():
        crashed = run.status is RunStatus.FAILED and run.reason is FailureReason.CRASHED
        if not crashed and run.status is not RunStatus.SUCCEEDED:
            yield f"{run.run_id} is {run.status} ({run.reason})"
    for (run_id, task_id), task in tasks.items():
        allowed = {TaskStatus.SUCCEEDED}
        if runs[run_id].status is RunStatus.FAILED:
            allowed |= {TaskStatus.PENDING, TaskStatus.FAILED}
        if task.status not in allowed:
            yield f"{task_id} of {run_id} is {task.status} in a run that is {runs[run_id].status}"
    with closing(sqlite3.connect(directory / "dagy.db")) as connection:
        for check in ("integrity_check", "foreign_key_check"):
            found = [row[0] for row in connection.execute(f"PRAGMA {check}") if row[0] != "ok"]
            if found:
                yield f"{check} says {found}"


def _refuse_to_wait(_: float) -> None:
    raise RuntimeError("the store waits for somebody, and everybody is dead")


def _lost(
    store: LocalMetadataStore,
    acknowledged: list[str],
    runs: dict[str, Run],
    tasks: dict[tuple[str, str], TaskRun],
) -> Iterator[str]:
    what, run_id, *rest = acknowledged
    if run_id not in runs:
        yield f"{run_id} was {what} and is lost"
    elif what == "finished" and runs[run_id].status is not RunStatus.SUCCEEDED:
        yield f"{run_id} was finished and is {runs[run_id].status}"
    elif what == "started" and tasks[run_id, rest[0]].attempt != 1:
        yield f"{rest[0]} of {run_id} was started and is PENDING"
    elif what == "ended":
        is_there = store.read_output(run_id, rest[0]) == _output(int(rest[0][1:]))
        if tasks[run_id, rest[0]].status is not TaskStatus.SUCCEEDED or not is_there:
            yield f"{rest[0]} of {run_id} was ended and has not all of its end"


if __name__ == "__main__":
    sys.exit(main())
