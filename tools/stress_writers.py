"""Let many processes write to one store at once; nobody may be told that it is busy (STORE-05).

    python tools/stress_writers.py --transactions 2000

Prints how long writers waited, and how evenly. Needs dagy-store and the standard library.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Run, RunEnd, RunStatus, TaskSpec, TaskStatus, TaskTransition

_LONGEST_WAIT_SECONDS = 120


@dataclass(frozen=True)
class Outcome:
    """What one process met: the time of each transaction, and the error that ended it, if any."""

    seconds: list[float]
    error: str | None


def stress(directory: Path, *, processes: int, transactions: int, seed: int) -> list[Outcome]:
    """Let all processes write, from the same instant on, and return what each met."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes)
    outcomes: SimpleQueue[Outcome] = context.SimpleQueue()
    workers = [
        context.Process(
            target=_work, args=(barrier, outcomes, directory, number, transactions, seed)
        )
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    met = [outcomes.get() for _ in workers]
    for worker in workers:
        worker.join()
    return met


def problems_of(directory: Path, met: list[Outcome], *, transactions: int) -> list[str]:
    """Return what went wrong, in words."""
    problems = [outcome.error for outcome in met if outcome.error]
    with LocalMetadataStore(directory) as store:
        for run in store.list_runs(limit=len(met)):
            tasks = store.list_task_runs(run.run_id)
            started = sum(task.status is not TaskStatus.PENDING for task in tasks)
            if run.status is not RunStatus.SUCCEEDED or started != transactions:
                problems.append(f"{run.run_id} is {run.status} with {started} tasks")
    return problems


def main() -> int:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--transactions", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        met = stress(
            Path(name),
            processes=arguments.processes,
            transactions=arguments.transactions,
            seed=arguments.seed,
        )
        problems = problems_of(Path(name), met, transactions=arguments.transactions)
    for problem in problems:
        print(problem, file=sys.stderr)
    waits = sorted(seconds for outcome in met for seconds in outcome.seconds)
    totals = sorted(sum(outcome.seconds) for outcome in met)
    print(
        f"{arguments.processes} processes, {arguments.transactions} transactions each, "
        f"seed {arguments.seed}: {len(problems)} problems, {time.monotonic() - begin:.1f} s"
    )
    if waits:
        print(
            f"a transaction took {_milliseconds(waits, 0.5)} (median), "
            f"{_milliseconds(waits, 0.99)} (p99), {_milliseconds(waits, 1)} (longest); "
            f"the fastest process needed {totals[0]:.1f} s, the slowest {totals[-1]:.1f} s"
        )
    return 1 if problems else 0


def _work(
    barrier: Barrier,
    outcomes: SimpleQueue[Outcome],
    directory: Path,
    number: int,
    transactions: int,
    seed: int,
) -> None:
    random_source = random.Random(f"{seed}-{number}")
    seconds: list[float] = []
    error = None
    barrier.wait(_LONGEST_WAIT_SECONDS)
    try:
        _write(directory, f"run-{number}", transactions, random_source, seconds)
    except Exception as caught:
        error = f"process {number}, transaction {len(seconds)}: {caught!r}"
    outcomes.put(Outcome(seconds, error))


def _write(
    directory: Path,
    run_id: str,
    transactions: int,
    random_source: random.Random,
    seconds: list[float],
) -> None:
    now = datetime.now(timezone.utc)
    run = Run(
        run_id=run_id,
        flow_name="stress",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=now,
    )
    tasks = tuple(TaskSpec(task_id=f"t{task}", name="t") for task in range(transactions))
    with LocalMetadataStore(directory, busy_timeout_seconds=_LONGEST_WAIT_SECONDS) as store:
        store.create_run(run, FlowSpec(name="stress", tasks=tasks))
        for task in tasks:
            begin = time.monotonic()
            start = TaskTransition(task.task_id, TaskStatus.RUNNING, now, attempt=1)
            store.record_tasks(run_id, [start])
            seconds.append(time.monotonic() - begin)
            if random_source.random() < 0.02:
                store.list_runs(limit=5)
        store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=now))


def _milliseconds(waits: list[float], share: float) -> str:
    return f"{1000 * waits[min(int(share * len(waits)), len(waits) - 1)]:.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
