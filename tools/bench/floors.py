"""What running tasks costs without an engine: the least that anything could cost.

- bare: a plain loop;
- pool: a ThreadPoolExecutor;
- floor: the same, and a row in SQLite for each task before anything that needs it starts, in a
  transaction of its own; the rows survive a killed process (synchronous=NORMAL);
- floor-full: the same, and they survive a power cut too (synchronous=FULL).

A map is the wide graph here: without an engine there is no difference.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from shapes import GRAPHS, Graph, expected_result, last_tasks, work
from trial import Prepare, Trial

WORKERS = min(32, (os.cpu_count() or 1) + 4)
Record = Callable[[int, float, int], None]
"""Takes the number of a task that has ended, when it started, and what it returned."""


def prepare_bare(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a loop."""
    del directory
    shape, graph = _stand_in(shape, size)

    def run() -> int:
        results: list[int] = []
        for upstream in graph:
            results.append(work([results[each] for each in upstream]))
        return sum(results[each] for each in last)

    last = last_tasks(graph)
    return Trial(run, expected_result(shape, size))


def prepare_pool(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a ThreadPoolExecutor."""
    del directory
    shape, graph = _stand_in(shape, size)
    return Trial(lambda: _run_pool(graph, lambda *_: None), expected_result(shape, size))


def prepare_floor(synchronous: str, shape: str, size: int, directory: Path) -> Trial:
    """Prepare a ThreadPoolExecutor and a database."""
    shape, graph = _stand_in(shape, size)
    path = directory / "floor.db"

    def run() -> int:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute(f"pragma synchronous = {synchronous}")
            connection.execute(_TABLE)
            return _run_pool(graph, partial(_insert, connection))

    def count_recorded() -> int:
        with closing(sqlite3.connect(path)) as connection:
            count: int = connection.execute("select count(*) from tasks").fetchone()[0]
            return count

    return Trial(run, expected_result(shape, size), count_recorded)


WAYS: dict[str, Prepare] = {
    "bare": prepare_bare,
    "pool": prepare_pool,
    "floor": partial(prepare_floor, "normal"),
    "floor-full": partial(prepare_floor, "full"),
}

_TABLE = """
create table tasks (
    id integer primary key, status text, started_at real, ended_at real, output text
) strict
"""


def _stand_in(shape: str, size: int) -> tuple[str, Graph]:
    shape = "wide" if shape == "map" else shape
    return shape, GRAPHS[shape](size)


def _insert(connection: sqlite3.Connection, number: int, started_at: float, value: int) -> None:
    row = (number, "SUCCEEDED", started_at, time.time(), str(value))
    connection.execute("insert into tasks values (?, ?, ?, ?, ?)", row)


def _run_pool(graph: Graph, record: Record) -> int:
    downstream: list[list[int]] = [[] for _ in graph]
    missing = [len(upstream) for upstream in graph]
    for number, upstream in enumerate(graph):
        for each in upstream:
            downstream[each].append(number)
    results: list[int] = [0] * len(graph)
    ended: SimpleQueue[tuple[int, float, int | BaseException]] = SimpleQueue()

    def call(number: int) -> None:
        started_at = time.time()
        outcome: int | BaseException
        try:
            outcome = work([results[each] for each in graph[number]])
        except BaseException as error:
            outcome = error
        ended.put((number, started_at, outcome))

    with ThreadPoolExecutor(WORKERS) as pool:
        for number, count in enumerate(missing):
            if not count:
                pool.submit(call, number)
        for _ in graph:
            number, started_at, outcome = ended.get()
            if isinstance(outcome, BaseException):
                raise outcome
            # Recorded here and not in the threads: that costs less, they would wait for each other.
            record(number, started_at, outcome)
            results[number] = outcome
            for each in downstream[number]:
                missing[each] -= 1
                if not missing[each]:
                    pool.submit(call, each)
    return sum(results[each] for each in last_tasks(graph))
