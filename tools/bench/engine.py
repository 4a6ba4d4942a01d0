"""What a task costs, next to the least that it could cost.

    hatch run bench:engine
    hatch run bench:engine --sizes 100,1000,10000 --repetitions 5

Runs graphs of tasks that do nothing, in four ways, in one process, on one machine:

- bare: a plain loop, nothing recorded;
- pool: a ThreadPoolExecutor, nothing recorded;
- floor: a ThreadPoolExecutor and a SQLite database, one durable commit for each task's end;
- dagy: start and end of every task recorded, dependents held back until then.

Prints microseconds per task, best of the repetitions, and the ratio to the floor.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from dagy import Flow, flow, task
from dagy.local import LocalLogger, run_flow
from dagy_store import LocalMetadataStore

WORKERS = min(32, (os.cpu_count() or 1) + 4)
Graph = list[list[int]]
"""The upstream of each task, by number."""


def wide(size: int) -> Graph:
    return [[], *([0] for _ in range(size - 2)), list(range(1, size - 1))]


def chain(size: int) -> Graph:
    return [[], *([number] for number in range(size - 1))]


def layers(size: int) -> Graph:
    return [
        list(range(number - number % 10 - 10, number - number % 10)) if number >= 10 else []
        for number in range(size)
    ]


SHAPES: dict[str, Callable[[int], Graph]] = {"wide": wide, "chain": chain, "layers": layers}


def work(*_: Any) -> int:
    return 1


def bare(graph: Graph) -> None:
    results: list[int] = []
    for upstream in graph:
        results.append(work(*(results[each] for each in upstream)))


def pooled(graph: Graph, ended: Callable[[int], None]) -> None:
    """Run the graph on a thread pool, telling each end before anything that needs it starts."""
    downstream: list[list[int]] = [[] for _ in graph]
    missing = [len(upstream) for upstream in graph]
    for number, upstream in enumerate(graph):
        for each in upstream:
            downstream[each].append(number)
    with ThreadPoolExecutor(WORKERS) as pool:
        running: dict[Future[int], int] = {
            pool.submit(work): number for number, count in enumerate(missing) if not count
        }
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                number = running.pop(future)
                ended(number)
                for each in downstream[number]:
                    missing[each] -= 1
                    if not missing[each]:
                        running[pool.submit(work)] = each


def pool(graph: Graph) -> None:
    pooled(graph, lambda _: None)


def floor(graph: Graph) -> None:
    with tempfile.TemporaryDirectory() as directory:
        connection = sqlite3.connect(Path(directory) / "floor.db", isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("create table tasks (id integer primary key, ended_at real) strict")

        def record(number: int) -> None:
            connection.execute("insert into tasks values (?, ?)", (number, time.time()))

        pooled(graph, record)
        connection.close()


def dagy(graph: Graph) -> None:
    step = task(name="step")(work)

    @flow
    def benchmark() -> None:
        outputs: list[Any] = []
        for upstream in graph:
            outputs.append(step(*(outputs[each] for each in upstream)))

    run_dagy(benchmark)


def run_dagy(of: Flow[..., Any]) -> None:
    with tempfile.TemporaryDirectory() as directory, LocalMetadataStore(directory) as store:
        run_flow(of, {}, recorder=store, logger=LocalLogger(quiet=True), max_workers=WORKERS)


WAYS: dict[str, Callable[[Graph], None]] = {
    "bare": bare,
    "pool": pool,
    "floor": floor,
    "dagy": dagy,
}


def microseconds_per_task(way: Callable[[Graph], None], graph: Graph, repetitions: int) -> float:
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        way(graph)
        best = min(best, time.perf_counter() - start)
    return best / len(graph) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="100,1000", help="numbers of tasks, by commas")
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} CPUs, {WORKERS} workers; microseconds per task\n"
    )
    print(f"{'shape':8}{'tasks':>8}" + "".join(f"{way:>10}" for way in WAYS) + f"{'x floor':>10}")
    for shape, make in SHAPES.items():
        for size in map(int, arguments.sizes.split(",")):
            graph = make(size)
            costs = {
                name: microseconds_per_task(way, graph, arguments.repetitions)
                for name, way in WAYS.items()
            }
            cells = "".join(f"{cost:10.1f}" for cost in costs.values())
            print(f"{shape:8}{size:8}{cells}{costs['dagy'] / costs['floor']:10.2f}", flush=True)


if __name__ == "__main__":
    main()
