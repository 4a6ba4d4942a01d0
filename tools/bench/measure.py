"""Measure one way of running one shape, in this process.

    python tools/bench/measure.py dagy wide 1000

The other benchmarks start this in a process of its own for each figure, so that none is measured
in the heap that another has left. Prints one line of JSON, see `Measurement`.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from shapes import SHAPES, check_size
from trial import Prepare, Trial

MODULES = {
    "bare": "floors",
    "pool": "floors",
    "floor": "floors",
    "floor-full": "floors",
    "dagy": "dagy_way",
    "prefect": "peers.prefect_way",
    "dagster": "peers.dagster_way",
    "luigi": "peers.luigi_way",
    "metaflow": "peers.metaflow_way",
}
"""Where each way is; its module has an entry for it in its ``WAYS``."""

_WARM_UP_SIZE = 10


@dataclass(frozen=True)
class Measurement:
    """What was measured.

    Attributes:
        seconds: How long the run took, tracing or building its graph included.
        startup_bytes: The peak of the process's memory after a run of ten tasks.
        peak_bytes: The peak after the run.
    """

    seconds: float
    startup_bytes: int
    peak_bytes: int


class WrongResultError(Exception):
    """A run came to another result than it had to, or left tasks unrecorded."""


def measure(prepare: Prepare, shape: str, size: int) -> Measurement:
    """Run a shape of ten tasks, to warm up, and then the one that is asked for.

    Raises:
        WrongResultError: When a run did.
    """
    _, startup_bytes = run_once(prepare, shape, _WARM_UP_SIZE)
    seconds, peak_bytes = run_once(prepare, shape, size)
    return Measurement(seconds, startup_bytes, peak_bytes)


def run_once(prepare: Prepare, shape: str, size: int) -> tuple[float, int]:
    """Return how many seconds one run took, and the peak of memory then.

    Raises:
        WrongResultError: When its result or its record is wrong.
    """
    with tempfile.TemporaryDirectory() as directory:
        trial = prepare(shape, size, Path(directory))
        gc.collect()
        start = time.perf_counter()
        result = trial.run()
        seconds = time.perf_counter() - start
        peak_bytes = peak_memory_bytes()  # before the count, which has a peak of its own
        _require_right(trial, result, size)
    return seconds, peak_bytes


def _require_right(trial: Trial, result: Any, size: int) -> None:
    if result != trial.result:
        raise WrongResultError(f"the result is {result!r} instead of {trial.result}")
    if trial.count_recorded is not None and (recorded := trial.count_recorded()) != size:
        raise WrongResultError(f"{recorded} of {size} tasks are recorded")


def peak_memory_bytes() -> int:
    """Return the most that this process has had in memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("way", choices=MODULES)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("size", type=lambda text: check_size(int(text)))
    arguments = parser.parse_args()
    prepare = import_module(MODULES[arguments.way]).WAYS[arguments.way]
    measurement = measure(prepare, arguments.shape, arguments.size)
    # Engines print; the measurement is the last line.
    print("\n" + json.dumps(asdict(measurement)), flush=True)


if __name__ == "__main__":
    main()
