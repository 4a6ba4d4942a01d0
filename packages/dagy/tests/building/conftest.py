from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FLOW = """
from dagy import flow, task

@task
def one() -> int:
    return 1

@flow
def daily() -> int:
    return one()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The directory of a flow."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "etl.py").write_text(FLOW)
    return root


@pytest.fixture
def put(project: Path) -> Callable[..., Path]:
    """Write a file of the project."""

    def write(path: str, content: str | bytes = "x = 1\n") -> Path:
        place = project / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    return write
