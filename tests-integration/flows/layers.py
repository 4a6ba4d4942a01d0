"""Forty layers of five tasks, each of which needs the whole layer above it.

Every task says in a file that it starts, before it does anything else. The last layer never ends,
so the run is under way for as long as nobody kills it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from dagy import flow, task

LAYERS = 40


@task
def step(name: str, started: Path, upstream: list[str]) -> str:
    with started.open("a") as file:
        file.write(f"{name} {','.join(upstream)}\n")
        file.flush()
        os.fsync(file.fileno())
    if name.startswith(f"{LAYERS - 1}-"):
        threading.Event().wait()
    return name


@flow
def layers(started: Path) -> list[str]:
    above: list[str] = []
    for layer in range(LAYERS):
        above = [step(f"{layer}-{number}", started, above) for number in range(5)]
    return above
