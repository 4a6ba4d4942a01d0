"""Measurements in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from measure import Measurement

_MEASURE = Path(__file__).with_name("measure.py")
_SHOWN_OF_ERRORS = 2000


class MeasurementError(Exception):
    """A measurement did not come to an end, or to a wrong one."""


class TooSlowError(Exception):
    """A measurement was ended because it took too long."""


@dataclass(frozen=True)
class Child:
    """How to start the processes that measure.

    Attributes:
        python: The interpreter.
        environ: Its environment.
        limit_seconds: When to end a process that takes longer; ``None`` for never.
    """

    python: str = sys.executable
    environ: Mapping[str, str] | None = None
    limit_seconds: float | None = None

    def measure(self, way: str, shape: str, size: int) -> Measurement:
        """Measure one way of running one shape.

        Raises:
            MeasurementError: When the process fails: the result was wrong, for instance.
            TooSlowError: When it takes longer than the limit.
        """
        command = [self.python, str(_MEASURE), way, shape, str(size)]
        what = f"{way}, {shape} of {size}"
        # A session of its own, so that what it starts can be ended with it.
        with subprocess.Popen(
            command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=self.limit_seconds)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise TooSlowError(f"{what}: not done in {self.limit_seconds:g} s") from None
                raise
        if process.returncode:
            said = errors.strip()[-_SHOWN_OF_ERRORS:]
            raise MeasurementError(f"{what}: exit status {process.returncode}\n{said}")
        return read_measurement(output)


def read_measurement(output: str) -> Measurement:
    """Return what a process that measured has printed in its last line."""
    return Measurement(**json.loads(output.rstrip().rpartition("\n")[2]))
