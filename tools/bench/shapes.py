"""The graphs that are measured, what their tasks do, and what must come out.

A shape of size N has N tasks. The result of a graph is the sum of what its last tasks return.
"""

from __future__ import annotations

Graph = list[list[int]]
"""The upstream tasks of each task, by number."""

LAYER = 10
_MODULUS = 1_000_003  # keeps the numbers small: those of layers grow tenfold each


def work(values: list[int]) -> int:
    """Do next to nothing, but so that a value too few or too many shows in the result."""
    return (1 + sum(values)) % _MODULUS


def wide(size: int) -> Graph:
    """Return one task, all others after it, and one after all of them."""
    return [[], *([0] for _ in range(size - 2)), list(range(1, size - 1))]


def chain(size: int) -> Graph:
    """Return tasks one after the other."""
    return [[], *([number] for number in range(size - 1))]


def layers(size: int) -> Graph:
    """Return layers of ten tasks, each after all of the layer before."""
    starts = range(0, size, LAYER)
    return [list(range(max(0, start - LAYER), start)) for start in starts for _ in range(LAYER)]


GRAPHS = {"wide": wide, "chain": chain, "layers": layers}

SHAPES = (*GRAPHS, "map")
"""Map is: a task that returns a list of numbers, a task for each of them, and one after all."""


def map_items(size: int) -> list[int]:
    """Return what a map of this many tasks maps over."""
    return list(range(size - 2))


def last_tasks(graph: Graph) -> list[int]:
    """Return the tasks that none comes after."""
    needed = {each for upstream in graph for each in upstream}
    return [number for number in range(len(graph)) if number not in needed]


def expected_result(shape: str, size: int) -> int:
    """Return what a graph comes to, worked out without running it."""
    if shape == "wide":
        return (1 + 2 * (size - 2)) % _MODULUS
    if shape == "chain":
        return size % _MODULUS
    if shape == "map":
        return (1 + sum(1 + item for item in map_items(size))) % _MODULUS
    value = 1
    for _ in range(size // LAYER - 1):
        value = (1 + LAYER * value) % _MODULUS
    return LAYER * value


def check_size(size: int) -> int:
    """Return the size, if every shape can have it.

    Raises:
        ValueError: When it is no multiple of ten, or none at all.
    """
    if size < LAYER or size % LAYER:
        raise ValueError(f"{size} is not a size: use multiples of {LAYER}")
    return size
