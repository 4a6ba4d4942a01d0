"""What reading costs in a store with a million runs, next to a store with a hundred (STORE-16).

    hatch run bench:store
    hatch run bench:store --runs 100000 --task-runs 1000000

Fills one store with many runs and one with few, in the real schema but without the engine, and
prints how long it takes to list the newest 20 in each, for every filter, and to show a run with a
thousand tasks. Ends with status 1 when the large store takes more than 1.5 times as long for the
same list. The figure is the median of many reads, in turns.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

from machine import described
from table import aligned, shown_ratio

from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    Run,
    RunEnd,
    RunOrder,
    RunQuery,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

_HIGHEST_RATIO = 1.5
_LISTED = 20
_FLOWS = 4  # so that each has enough runs to list in the small store too
_SHOWN = "shown"
_BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
_MICROSECONDS_APART = 1_000_000

_INSERT_RUN = """
INSERT INTO runs (
    run_id, flow_name, flow_version, spec_hash, status, error, parameters, environment,
    created_at, started_at
) VALUES (?, ?, '1', ?, 'RUNNING', NULL, '{"day": "2026-11-01"}', '{}', ?, ?)
"""
_END_RUNS = """
UPDATE runs SET status = iif(rowid % 10 = 0, 'FAILED', 'SUCCEEDED'), ended_at = started_at + 500000
WHERE status = 'RUNNING'
"""
_INSERT_TASK = """
INSERT INTO task_runs (run_id, task_id, status, attempt, started_at, ended_at)
VALUES (?, ?, 'SUCCEEDED', 1, ?, ?)
"""


def main() -> int:
    """Parse the command line, fill the stores, measure, report."""
    arguments = _parser().parse_args()
    print(f"{described()}\n")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        few, many = Path(name) / "few", Path(name) / "many"
        fill(few, runs=arguments.few_runs, tasks_of_a_run=0, tasks_shown=arguments.tasks_shown)
        begin = time.monotonic()
        tasks_of_a_run = arguments.task_runs // arguments.runs
        fill(
            many,
            runs=arguments.runs,
            tasks_of_a_run=tasks_of_a_run,
            tasks_shown=arguments.tasks_shown,
        )
        print(
            f"{arguments.runs:,} runs with {tasks_of_a_run} tasks each: "
            f"{(many / 'dagy.db').stat().st_size / 2**20:,.0f} MiB, "
            f"made in {time.monotonic() - begin:.0f} s\n",
            flush=True,
        )
        with LocalMetadataStore(few) as small, LocalMetadataStore(many) as large:
            figures = compare(small, large, repetitions=arguments.repetitions)
    print(_table(figures, arguments.few_runs, arguments.runs))
    slow = [name for name, (before, after) in figures.items() if after > _HIGHEST_RATIO * before]
    for name in slow:
        print(f"{name} takes more than {_HIGHEST_RATIO} times as long", file=sys.stderr)
    return 1 if slow else 0


def fill(directory: Path, *, runs: int, tasks_of_a_run: int, tasks_shown: int) -> None:
    """Make a store with so many ended runs, and one more that has many tasks."""
    with LocalMetadataStore(directory) as store:
        _record_shown(store, tasks_shown)
    with closing(sqlite3.connect(directory / "dagy.db", isolation_level=None)) as connection:
        spec_hash = connection.execute("SELECT content_hash FROM flow_specs").fetchone()[0]
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.executemany(_INSERT_RUN, _run_rows(runs, spec_hash))
        connection.execute(_END_RUNS)
        connection.executemany(_INSERT_TASK, _task_rows(runs, tasks_of_a_run))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def compare(
    small: LocalMetadataStore, large: LocalMetadataStore, *, repetitions: int
) -> dict[str, tuple[float, float]]:
    """Return the seconds that each read takes in either store, by the name of the read."""
    since = _BEGIN + timedelta(days=1)
    lists = {
        "list": RunQuery(),
        "list --status": RunQuery(status=RunStatus.SUCCEEDED),
        "list --flow": RunQuery(flow_name="flow-0"),
        "list --flow --status": RunQuery(flow_name="flow-0", status=RunStatus.SUCCEEDED),
        "list --since": RunQuery(since=since),
        "list --sort started": RunQuery(order=RunOrder.STARTED),
        "list --cursor": RunQuery(after=_SHOWN),
    }
    reads: dict[str, Callable[[LocalMetadataStore], object]] = {
        name: partial(_list, query=query) for name, query in lists.items()
    }
    reads["show"] = lambda store: (store.get_run(_SHOWN), store.list_task_runs(_SHOWN))
    return {name: _medians(read, small, large, repetitions) for name, read in reads.items()}


def _list(store: LocalMetadataStore, query: RunQuery) -> list[Run]:
    return store.list_runs(query, limit=_LISTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--few-runs", type=int, default=100, help="in the store to compare with")
    parser.add_argument("--task-runs", type=int, default=10_000_000, help="of all runs together")
    parser.add_argument("--tasks-shown", type=int, default=1_000, help="of the run that is shown")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--directory", type=Path, help="where there is room, by default for files")
    return parser


def _record_shown(store: LocalMetadataStore, tasks: int) -> None:
    spec = FlowSpec(
        name="shown", tasks=tuple(TaskSpec(task_id=f"t{task}", name="t") for task in range(tasks))
    )
    run = Run(
        run_id=_SHOWN,
        flow_name="shown",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=_BEGIN,
        started_at=_BEGIN,
    )
    store.create_run(run, spec)
    store.record_tasks(
        _SHOWN,
        [
            TaskTransition(task.task_id, status, _BEGIN, attempt=1)
            for task in spec.tasks
            for status in (TaskStatus.RUNNING, TaskStatus.SUCCEEDED)
        ],
    )
    store.finish_run(_SHOWN, RunEnd(status=RunStatus.SUCCEEDED, ended_at=_BEGIN))


def _run_rows(runs: int, spec_hash: str) -> Iterator[tuple[str, str, str, int, int]]:
    random_source = random.Random(1)  # ids have no order in time
    begin = int(_BEGIN.timestamp()) * 1_000_000
    for number in range(runs):
        created_at = begin + number * _MICROSECONDS_APART * 86_400 * 30 // runs
        run_id = _run_id(number, random_source)
        yield run_id, f"flow-{number % _FLOWS}", spec_hash, created_at, created_at


def _task_rows(runs: int, tasks_of_a_run: int) -> Iterator[tuple[str, str, int, int]]:
    random_source = random.Random(1)
    for number in range(runs):
        run_id = _run_id(number, random_source)
        for task in range(tasks_of_a_run):
            yield run_id, f"task-{task}", task, task + 1


def _run_id(number: int, random_source: random.Random) -> str:
    return f"{random_source.randrange(36**5):08x}{number:x}"


def _medians(
    read: Callable[[LocalMetadataStore], object],
    small: LocalMetadataStore,
    large: LocalMetadataStore,
    repetitions: int,
) -> tuple[float, float]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repetitions):
        for store, taken in zip((small, large), seconds, strict=True):
            begin = time.perf_counter()
            read(store)
            taken.append(time.perf_counter() - begin)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def _table(figures: dict[str, tuple[float, float]], few: int, many: int) -> str:
    rows = [("milliseconds", f"of {few:,} runs", f"of {many:,} runs", "ratio")]
    rows += [
        (name, f"{1000 * small:.2f}", f"{1000 * large:.2f}", shown_ratio(large / small))
        for name, (small, large) in figures.items()
    ]
    return aligned(rows)


if __name__ == "__main__":
    sys.exit(main())
