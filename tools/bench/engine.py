"""What a task costs, next to the least that it could cost, and to other engines.

    hatch run bench:engine
    hatch run bench:engine --full --repetitions 5
    hatch run bench:engine --peers

Runs graphs of tasks that do next to nothing, in several ways, each figure in a process of its own:

- bare: a plain loop, nothing recorded;
- pool: a ThreadPoolExecutor, nothing recorded;
- floor: a ThreadPoolExecutor and SQLite, a commit for each task; survives a killed process;
- floor-full: the same; each commit survives a power cut too;
- dagy: start and end of every task recorded, output captured, arguments checked.

Prints microseconds per task, best of the repetitions, which take turns. Every result is checked,
and so is that every task was recorded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from children import Child, MeasurementError
from figures import WAYS, Figures
from machine import described
from peers.comparison import PEERS, compare
from shapes import SHAPES, check_size
from table import aligned

_SIZES = (10, 100, 1_000, 10_000)
_LARGEST_SIZE = 100_000
_PEER_SIZES = (10, 100, 1_000)


def main() -> None:
    arguments = _parser().parse_args()
    sizes = list(arguments.sizes)
    if arguments.full and _LARGEST_SIZE not in sizes:
        sizes.append(_LARGEST_SIZE)
    if arguments.peers:
        sizes = sorted({*sizes, *arguments.peer_sizes})
    print(f"{described()}; microseconds per task\n")
    figures = Figures(sizes)
    for shape in arguments.shapes:
        _measure(figures, shape, arguments.repetitions)
        print(aligned(list(figures.cost_rows(shape))) + "\n", flush=True)
    for rows in (figures.growth_rows(arguments.shapes), figures.memory_rows(arguments.shapes)):
        if table := list(rows):
            print(aligned(table) + "\n", flush=True)
    if arguments.peers:
        compare(
            figures,
            arguments.peers,
            shapes=arguments.shapes,
            sizes=sorted(arguments.peer_sizes),
            directory=arguments.peers_dir,
            limit_seconds=arguments.peers_limit_seconds,
        )


def _measure(figures: Figures, shape: str, repetitions: int) -> None:
    child = Child()
    for size in figures.sizes:
        for _ in range(repetitions):
            for way in WAYS:  # in turns: other load hits all alike
                figures.add(way, shape, size, child.measure(way, shape, size))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=_sizes, default=_SIZES, help="numbers of tasks, by commas")
    parser.add_argument("--full", action="store_true", help=f"also {_LARGEST_SIZE:,} tasks")
    parser.add_argument("--shapes", type=_shapes, default=SHAPES, help="shapes, by commas")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument(
        "--peers",
        nargs="?",
        type=_peers,
        const=tuple(PEERS),
        default=(),
        help="install and measure other engines too: all, or those named, by commas",
    )
    parser.add_argument("--peer-sizes", type=_sizes, default=_PEER_SIZES, help="for them")
    parser.add_argument(
        "--peers-dir",
        type=Path,
        default=Path(".bench-peers"),
        help="where their environments are, and stay",
    )
    parser.add_argument("--peers-limit-seconds", type=float, default=120.0, help="for each figure")
    return parser


def _sizes(text: str) -> Sequence[int]:
    try:
        return [check_size(int(each)) for each in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _shapes(text: str) -> Sequence[str]:
    return _known(text, SHAPES)


def _peers(text: str) -> Sequence[str]:
    return _known(text, tuple(PEERS))


def _known(text: str, names: Sequence[str]) -> Sequence[str]:
    chosen = text.split(",")
    for each in chosen:
        if each not in names:
            raise argparse.ArgumentTypeError(f"{each!r} is none of {', '.join(names)}")
    return chosen


if __name__ == "__main__":
    try:
        main()
    except MeasurementError as error:
        sys.exit(f"engine.py: {error}")
