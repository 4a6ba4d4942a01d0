"""What the measurements come to: costs, ratios, memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from measure import Measurement
from table import shown_cost, shown_ratio

WAYS = ("bare", "pool", "floor", "floor-full", "dagy")
_LINEAR_BETWEEN = (1_000, 100_000)
_LEAST_FOR_MEMORY = 10_000  # below, what a task takes is lost in what starting takes


@dataclass
class Figures:
    """The measurements so far: of each way, shape and size the best."""

    sizes: Sequence[int]
    _best: dict[tuple[str, str, int], Measurement] = field(default_factory=dict)

    def add(self, way: str, shape: str, size: int, measurement: Measurement) -> None:
        """Take a measurement, if it is the fastest so far."""
        best = self._best.get((way, shape, size))
        if best is None or measurement.seconds < best.seconds:
            self._best[way, shape, size] = measurement

    def cost(self, way: str, shape: str, size: int) -> float:
        """Return the microseconds that a task takes."""
        return self._best[way, shape, size].seconds / size * 1e6

    def bytes_per_task(self, way: str, shape: str, size: int) -> float:
        """Return by how much a task raises the peak of memory."""
        best = self._best[way, shape, size]
        return (best.peak_bytes - best.startup_bytes) / size

    def cost_rows(self, shape: str) -> Iterator[list[str]]:
        """Yield a row for each size: its costs, and what dagy's is of the floors'."""
        yield [shape, *WAYS, "dagy/floor", "dagy/floor-full"]
        for size in self.sizes:
            costs = {way: self.cost(way, shape, size) for way in WAYS}
            ratios = (costs["dagy"] / costs[way] for way in ("floor", "floor-full"))
            yield [f"{size:,}", *map(shown_cost, costs.values()), *map(shown_ratio, ratios)]

    def growth_rows(self, shapes: Sequence[str]) -> Iterator[list[str]]:
        """Yield how the cost of a task grows with the number of tasks: 1 is linear cost in all."""
        few, many = _LINEAR_BETWEEN
        if few not in self.sizes or many not in self.sizes:
            return
        yield [f"cost at {many:,} / at {few:,}", *shapes]
        for way in WAYS:
            ratios = (self.cost(way, each, many) / self.cost(way, each, few) for each in shapes)
            yield [way, *map(shown_ratio, ratios)]

    def memory_rows(self, shapes: Sequence[str]) -> Iterator[list[str]]:
        """Yield how much memory a task of dagy takes above that of a run of ten."""
        sizes = [size for size in self.sizes if size >= _LEAST_FOR_MEMORY]
        if not sizes:
            return
        yield ["dagy, bytes per task", *shapes]
        for size in sizes:
            yield [f"{size:,}", *(f"{self.bytes_per_task('dagy', s, size):,.0f}" for s in shapes)]
