"""Open one absent store from many processes at the same instant, again and again (STORE-01).

    python tools/stress_open.py --repetitions 200

In each repetition every process opens the store and records a run, twice: first while the store
does not exist, then on what the first wave left. Nobody may fail, and every run must be there.
Needs dagy-store and the standard library.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from multiprocessing.synchronize import Barrier
from pathlib import Path

from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    Run,
    RunEnd,
    RunQuery,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

WAVES = 2
_LONGEST_WAIT_SECONDS = 120


def stress(directory: Path, *, processes: int, repetitions: int) -> list[str]:
    """Run all waves in stores under ``directory`` and return what went wrong, in words."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes)
    workers = [
        context.Process(target=_work, args=(barrier, directory, repetitions, number))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    problems = [
        f"{worker.name} ended with {worker.exitcode}" for worker in workers if worker.exitcode
    ]
    for repetition in range(repetitions):
        problems.extend(_problems_of(directory / str(repetition), runs=WAVES * processes))
    return problems


def main() -> int:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--processes", type=int, default=32)
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        problems = stress(
            Path(directory), processes=arguments.processes, repetitions=arguments.repetitions
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"{arguments.repetitions} repetitions of {WAVES} waves of {arguments.processes} processes: "
        f"{len(problems)} problems, {time.monotonic() - begin:.1f} s"
    )
    return 1 if problems else 0


def _work(barrier: Barrier, directory: Path, repetitions: int, number: int) -> None:
    try:
        for repetition in range(repetitions):
            for wave in range(WAVES):
                barrier.wait(_LONGEST_WAIT_SECONDS)
                _record_a_run(directory / str(repetition), run_id=f"wave-{wave}-process-{number}")
    except BaseException:
        barrier.abort()  # or the others would wait for this one
        raise


def _record_a_run(directory: Path, *, run_id: str) -> None:
    now = datetime.now(timezone.utc)
    run = Run(
        run_id=run_id,
        flow_name="stress",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=now,
        started_at=now,
    )
    transitions = [
        TaskTransition("only", TaskStatus.RUNNING, now, attempt=1),
        TaskTransition("only", TaskStatus.SUCCEEDED, now, attempt=1),
    ]
    with LocalMetadataStore(directory, busy_timeout_seconds=_LONGEST_WAIT_SECONDS) as store:
        store.create_run(
            run, FlowSpec(name="stress", tasks=(TaskSpec(task_id="only", name="only"),))
        )
        store.record_tasks(run_id, transitions)
        store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=now))


def _problems_of(directory: Path, *, runs: int) -> Iterator[str]:
    with LocalMetadataStore(directory) as store:
        succeeded = len(store.list_runs(RunQuery(status=RunStatus.SUCCEEDED), limit=runs + 1))
    if succeeded != runs:
        yield f"{directory}: {succeeded} of {runs} runs are there"
    with closing(sqlite3.connect(directory / "dagy.db")) as connection:
        for check in ("integrity_check", "foreign_key_check"):
            found = [row[0] for row in connection.execute(f"PRAGMA {check}") if row[0] != "ok"]
            if found:
                yield f"{directory}: {check} says {found}"


if __name__ == "__main__":
    sys.exit(main())
