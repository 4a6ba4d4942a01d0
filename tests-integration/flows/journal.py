"""Three layers of tasks and a map; every task says in a file that it runs, before anything else.

A line of the file holds the id of the task, its process, and the parent of that.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from dagy import flow, task

WIDTH = 5
ITEMS = 20
_WORK_SECONDS = 0.01  # so that a run takes long enough to be killed in the middle


def _work(task_id: str, journal: Path) -> None:
    line = f"{task_id} {os.getpid()} {os.getppid()}\n"
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
    time.sleep(_WORK_SECONDS)


@task
def step(task_id: str, journal: Path, upstream: list[Any]) -> int:
    _work(task_id, journal)
    return 1 + sum(upstream)


@task
def numbers(journal: Path, upstream: list[int]) -> list[int]:
    _work("numbers", journal)
    return list(range(ITEMS))


@task
def item(number: int, *, journal: Path) -> int:
    _work(f"item[{number}]", journal)
    return number


@flow
def journaled(journal: Path) -> list[Any]:
    """Return the outputs of the last layer, and the sum of the map."""
    layers: list[list[int]] = [[]]
    for name in ("top", "middle", "bottom"):
        layers.append(
            [
                step.with_options(name=f"{name}{number}")(f"{name}{number}", journal, layers[-1])
                for number in range(WIDTH)
            ]
        )
    items = item.map(numbers(journal, layers[1]), journal=journal)
    return [*layers[-1], step.with_options(name="total")("total", journal, items)]  # type: ignore[list-item]
