"""Dagy as its users run it: everything recorded on disk, output captured, arguments checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shapes import GRAPHS, expected_result, last_tasks, map_items, work
from trial import Prepare, Trial

from dagy import Flow, flow, task
from dagy.local import LocalLogger, run_flow
from dagy_store import LocalMetadataStore
from dagy_types import RunQuery, RunStatus, TaskStatus

step = task(name="step")(work)


@task
def source(size: int) -> list[int]:
    return map_items(size)


@task
def leaf(item: int) -> int:
    return work([item])


def graph_flow(shape: str, size: int) -> Flow[..., list[int]]:
    """Return a flow with one task call for each task of a graph."""
    graph = GRAPHS[shape](size)
    last = last_tasks(graph)

    @flow
    def benchmark() -> Any:
        outputs: list[Any] = []
        for upstream in graph:
            outputs.append(step([outputs[each] for each in upstream]))
        return [outputs[each] for each in last]

    return benchmark


def map_flow(size: int) -> Flow[..., list[int]]:
    """Return a flow with one mapped task."""

    @flow
    def benchmark() -> Any:
        return [step(leaf.map(source(size)))]

    return benchmark


def prepare(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a run with a new store."""
    benchmark = map_flow(size) if shape == "map" else graph_flow(shape, size)

    def run() -> int:
        with LocalMetadataStore(directory) as store:
            ran = run_flow(benchmark, {}, recorder=store, logger=LocalLogger(quiet=True))
            return sum(ran.result())

    def count_recorded() -> int:
        with LocalMetadataStore(directory) as store:
            [run] = store.list_runs(RunQuery(status=RunStatus.SUCCEEDED), limit=2)
            # A mapped task itself counts for nothing: its children do.
            return sum(
                each.status is TaskStatus.SUCCEEDED
                and each.started_at is not None
                and each.ended_at is not None
                and each.task_id != "leaf"
                for each in store.list_task_runs(run.run_id)
            )

    return Trial(run, expected_result(shape, size), count_recorded)


WAYS: dict[str, Prepare] = {"dagy": prepare}
