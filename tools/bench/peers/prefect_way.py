"""Prefect, as it comes: a temporary local server that keeps its record in SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, task
from shapes import GRAPHS, expected_result, last_tasks, map_items, work
from trial import Prepare, Trial

step = task(work, name="step")


@task
def source(size: int) -> list[int]:
    return map_items(size)


@task
def leaf(item: int) -> int:
    return work([item])


@flow
def graph_flow(shape: str, size: int) -> int:
    graph = GRAPHS[shape](size)
    futures: list[Any] = []
    for upstream in graph:
        futures.append(step.submit([futures[each] for each in upstream]))
    return sum(futures[each].result() for each in last_tasks(graph))


@flow
def map_flow(size: int) -> int:
    leaves = leaf.map(source.submit(size))
    result: int = step.submit(leaves).result()
    return result


def prepare(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a run in this process."""
    del directory
    if shape == "map":
        return Trial(lambda: map_flow(size), expected_result(shape, size))
    return Trial(lambda: graph_flow(shape, size), expected_result(shape, size))


WAYS: dict[str, Prepare] = {"prefect": prepare}
