"""Dagster: a job in this process, recorded in SQLite as it goes."""

# No `from __future__ import annotations`: Dagster reads the annotations of ops itself.
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster import (
    DagsterInstance,
    DynamicOut,
    DynamicOutput,
    In,
    JobDefinition,
    List,
    Out,
    in_process_executor,
    job,
    op,
)
from shapes import GRAPHS, expected_result, last_tasks, map_items, work
from trial import Prepare, Trial

sys.setrecursionlimit(200_000)  # a chain is as deep as it is long


@op(out=Out(int))
def first() -> int:
    return work([])


@op(ins={"values": In(List[int])}, out=Out(int))
def step(values) -> int:
    return work(values)


@op(ins={"values": In(List[int])}, out=Out(int))
def total(values) -> int:
    return sum(values)


@op(out=Out(int))
def leaf(item: int) -> int:
    return work([item])


def graph_job(shape: str, size: int) -> JobDefinition:
    """Return a job with an op for each task of a graph, and one more for its result."""
    graph = GRAPHS[shape](size)
    last = last_tasks(graph)

    @job(executor_def=in_process_executor)
    def benchmark() -> None:
        outputs: list[Any] = []
        for number, upstream in enumerate(graph):
            if upstream:
                call = step.alias(f"step_{number}")
                outputs.append(call([outputs[each] for each in upstream]))
            else:
                outputs.append(first.alias(f"first_{number}")())
        total([outputs[each] for each in last])

    return benchmark


def map_job(size: int) -> JobDefinition:
    """Return a job that maps over what an op returns."""

    @op(out=DynamicOut(int))
    def source() -> Iterator[DynamicOutput[int]]:
        for item in map_items(size):
            yield DynamicOutput(item, mapping_key=str(item))

    @job(executor_def=in_process_executor)
    def benchmark() -> None:
        total([step(source().map(leaf).collect())])

    return benchmark


def prepare(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a run; building its graph counts, as tracing does elsewhere."""
    del directory
    instance = DagsterInstance.get()  # kept in the directory that DAGSTER_HOME names

    def run() -> int:
        benchmark = map_job(size) if shape == "map" else graph_job(shape, size)
        ran = benchmark.execute_in_process(instance=instance)
        value: int = ran.output_for_node("total")
        return value

    return Trial(run, expected_result(shape, size))


WAYS: dict[str, Prepare] = {"dagster": prepare}
