"""Write to one store from many processes, with a checkpoint at every commit (STORE-02).

    python tools/stress_checkpoints.py --seconds 600

SQLite 3.7.0 to 3.51.2 can lose commits when a checkpoint races a writer. Each process notes, apart
from the store, what was acknowledged to it; in the end all of that must be there. Some processes
open and close the store between commits, which is another way to checkpoint. Needs dagy-store and
the standard library.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Output, Run, RunStatus, TaskSpec, TaskStatus, TaskTransition

_LONGEST_WAIT_SECONDS = 120
_TASKS_OF_A_RUN = 200
_LARGEST_OUTPUT_BYTES = 8000  # in the row, so that it goes through the write-ahead log


def stress(directory: Path, *, processes: int, seconds: float, seed: int) -> tuple[int, list[str]]:
    """Write for so long; return how many commits were acknowledged and what went wrong."""
    context = multiprocessing.get_context("fork")
    deadline = time.monotonic() + seconds
    workers = [
        context.Process(target=_work, args=(directory, number, deadline, seed))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    problems = [
        f"{worker.name} ended with {worker.exitcode}" for worker in workers if worker.exitcode
    ]
    acknowledged = [
        line.split()
        for notes in sorted(directory.glob("acknowledged-*"))
        for line in notes.read_text().splitlines()
    ]
    problems.extend(_problems_of(directory, acknowledged))
    return len(acknowledged), problems


def main() -> int:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        commits, problems = stress(
            Path(directory),
            processes=arguments.processes,
            seconds=arguments.seconds,
            seed=arguments.seed,
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"SQLite {sqlite3.sqlite_version}, {arguments.processes} processes, "
        f"{arguments.seconds:g} s, seed {arguments.seed}: {commits} commits, "
        f"{len(problems)} problems"
    )
    return 1 if problems else 0


def _work(directory: Path, number: int, deadline: float, seed: int) -> None:
    random_source = random.Random(f"{seed}-{number}")
    with (directory / f"acknowledged-{number}").open("w") as notes:
        count = 0
        while time.monotonic() < deadline:
            with LocalMetadataStore(
                directory, busy_timeout_seconds=_LONGEST_WAIT_SECONDS, checkpoint_bytes=1
            ) as store:
                run_id = f"run-{number}-{count}"
                count += 1
                _create(store, run_id)
                # Half of the processes close the store often, and so may be its last user.
                for task in range(random_source.choice((3, _TASKS_OF_A_RUN))):
                    if time.monotonic() >= deadline:
                        return
                    size = random_source.randrange(1, _LARGEST_OUTPUT_BYTES)
                    store.record_tasks(run_id, _succeed(f"t{task}", size))
                    notes.write(f"{run_id} t{task} {size}\n")


def _create(store: LocalMetadataStore, run_id: str) -> None:
    now = datetime.now(timezone.utc)
    tasks = tuple(TaskSpec(task_id=f"t{task}", name="t") for task in range(_TASKS_OF_A_RUN))
    run = Run(
        run_id=run_id,
        flow_name="stress",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=now,
    )
    store.create_run(run, FlowSpec(name="stress", tasks=tasks))


def _succeed(task_id: str, size: int) -> list[TaskTransition]:
    now = datetime.now(timezone.utc)
    return [
        TaskTransition(task_id, TaskStatus.RUNNING, now, attempt=1),
        TaskTransition(task_id, TaskStatus.SUCCEEDED, now, output=Output(b"x" * size, "json")),
    ]


def _problems_of(directory: Path, acknowledged: list[list[str]]) -> Iterator[str]:
    with closing(sqlite3.connect(directory / "dagy.db")) as connection:
        for check in ("integrity_check", "foreign_key_check"):
            found = [row[0] for row in connection.execute(f"PRAGMA {check}") if row[0] != "ok"]
            if found:
                yield f"{check} says {found}"
        there = {
            (run_id, task_id): size
            for run_id, task_id, size in connection.execute(
                "SELECT run_id, task_id, length(output) FROM task_runs WHERE status = 'SUCCEEDED'"
            )
        }
    for run_id, task_id, size in acknowledged:
        if there.get((run_id, task_id)) != int(size):
            yield f"{task_id} of {run_id} was acknowledged and is lost"


if __name__ == "__main__":
    sys.exit(main())
