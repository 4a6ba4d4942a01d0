"""A flow that goes on until somebody ends it: the first task waits for a file that never comes."""

from __future__ import annotations

import time
from pathlib import Path

from dagy import flow, task


@task
def wait(marker: Path, seconds: float) -> None:
    marker.touch()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


@task
def after(value: None) -> None: ...


@flow
def slow(marker: Path, seconds: float = 60) -> None:
    after(wait(marker, seconds))
