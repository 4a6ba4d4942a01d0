"""Other engines in the same table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from children import Child, TooSlowError
from figures import Figures
from peers.environments import REQUIREMENTS, environ, install, installed_version
from table import aligned, shown_cost, shown_ratio

PEERS = tuple(REQUIREMENTS)
_NOT_RUN = "-"


def compare(
    figures: Figures,
    peers: Sequence[str],
    *,
    shapes: Sequence[str],
    sizes: Sequence[int],
    directory: Path,
    limit_seconds: float,
) -> None:
    """Measure peers, and print what they cost beside dagy.

    Args:
        figures: Those of dagy, for all of the sizes.
        directory: Where the peers are installed, if they are not yet.
        limit_seconds: Sizes are left out that take longer, or would by those before.

    Raises:
        MeasurementError: When a peer fails or comes to a wrong result.
    """
    pythons = {peer: install(peer, directory) for peer in peers}
    versions = [f"{peer} {installed_version(peer, python)}" for peer, python in pythons.items()]
    print(f"{', '.join(versions)}; load {os.getloadavg()[0]:.1f}")
    print("microseconds per task, and how many times that of dagy\n", flush=True)
    for shape in shapes:
        columns = {
            peer: _costs(peer, python, shape, sizes, limit_seconds)
            for peer, python in pythons.items()
        }
        rows = [[shape, "dagy", *peers]]
        for size in sizes:
            dagy = figures.cost("dagy", shape, size)
            cells = (_cell(costs.get(size), dagy) for costs in columns.values())
            rows.append([f"{size:,}", shown_cost(dagy), *cells])
        print(aligned(rows) + "\n", flush=True)


def _costs(
    peer: str, python: str, shape: str, sizes: Sequence[int], limit_seconds: float
) -> dict[int, float]:
    costs: dict[int, float] = {}
    seconds_per_task = 0.0
    for size in sizes:
        if seconds_per_task * size > limit_seconds:
            break
        with tempfile.TemporaryDirectory() as home:
            child = Child(python, environ(Path(home)), limit_seconds)
            try:
                seconds_per_task = child.measure(peer, shape, size).seconds / size
            except TooSlowError:
                break
        costs[size] = seconds_per_task * 1e6
    return costs


def _cell(cost: float | None, dagy: float) -> str:
    return _NOT_RUN if cost is None else f"{shown_cost(cost)} ({shown_ratio(cost / dagy)})"
