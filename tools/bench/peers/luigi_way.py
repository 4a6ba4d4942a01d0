"""Luigi: its scheduler in this process; each task's output is a file, which is its record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi
from shapes import GRAPHS, expected_result, last_tasks, map_items, work
from trial import Prepare, Trial


class Recorded(luigi.Task):
    """A task whose output is a file of JSON."""

    directory = luigi.Parameter()
    number = luigi.IntParameter()

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(Path(self.directory) / f"{self.number}.json"))

    def write(self, value: Any) -> None:
        with self.output().open("w") as file:
            json.dump(value, file)


class Step(Recorded):
    """A task of a graph, by its number in it."""

    shape = luigi.Parameter()
    size = luigi.IntParameter()

    def requires(self) -> list[Step]:
        upstream = GRAPH_OF[self.shape, self.size][self.number]
        return [
            Step(directory=self.directory, shape=self.shape, size=self.size, number=each)
            for each in upstream
        ]

    def run(self) -> None:
        self.write(work([read(each) for each in self.input()]))


GRAPH_OF: dict[tuple[str, int], list[list[int]]] = {}


class Source(Recorded):
    """Returns what is mapped over."""

    size = luigi.IntParameter()

    def run(self) -> None:
        self.write(map_items(self.size))


class Leaf(Recorded):
    """The task of one item."""

    item = luigi.IntParameter()

    def run(self) -> None:
        self.write(work([self.item]))


class Total(Recorded):
    """Comes after a source and tasks that are only known once it has run."""

    size = luigi.IntParameter()

    def requires(self) -> Source:
        return Source(directory=self.directory, number=self.number + 1, size=self.size)

    def run(self) -> Iterator[list[luigi.LocalTarget]]:
        leaves = yield [
            Leaf(directory=self.directory, number=number, item=item)
            for number, item in enumerate(read(self.input()), start=self.number + 2)
        ]
        self.write(work([read(each) for each in leaves]))


def read(target: luigi.LocalTarget) -> Any:
    """Return what a task returned."""
    with target.open() as file:
        return json.load(file)


def prepare(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a run with one worker, in this process."""
    graph = [] if shape == "map" else GRAPHS[shape](size)
    GRAPH_OF[shape, size] = graph

    def run() -> int:
        last: list[Recorded]
        if shape == "map":
            last = [Total(directory=str(directory), number=0, size=size)]
        else:
            last = [
                Step(directory=str(directory), shape=shape, size=size, number=each)
                for each in last_tasks(graph)
            ]
        luigi.build(last, local_scheduler=True, log_level="WARNING")
        return sum(read(each.output()) for each in last)

    return Trial(run, expected_result(shape, size), lambda: len(list(directory.iterdir())))


WAYS: dict[str, Prepare] = {"luigi": prepare}
