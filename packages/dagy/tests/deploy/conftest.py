from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy import build_artifact
from dagy.deploy import Archive, read_archive
from dagy_client.testing import FakeServer

FLOW = """
from pathlib import Path
from dagy import flow, task

Path(__file__).with_name("imported").touch()

@task
def load() -> int:
    return {number}

@task
def save(number: int) -> int:
    return number

@flow(version="{version}", tags={{"team": "data"}})
def daily() -> int:
    return {body}
"""

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Any:
    with server.client() as client:
        yield client


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """Build an archive; the file ``imported`` beside its flow appears when that is imported."""

    def build(*, number: int = 1, version: str = "1", body: str = "load()") -> Path:
        directory = tmp_path / f"{number}-{version}-{body}"
        directory.mkdir(exist_ok=True)
        file = directory / "etl.py"
        file.write_text(FLOW.format(number=number, version=version, body=body))
        path = build_artifact(f"{file}:daily", directory.with_suffix(".zip"))
        (directory / "imported").unlink()
        return path

    return build


@pytest.fixture
def packed(build: Callable[..., Path]) -> Callable[..., Archive]:
    return lambda **changes: read_archive(build(**changes))


@pytest.fixture
def writes(server: FakeServer) -> Callable[[], list[str]]:
    """Return the requests since the last time that change something."""
    seen = 0

    def writes() -> list[str]:
        nonlocal seen
        new, seen = server.requests[seen:], len(server.requests)
        return [f"{each.method} {each.path}" for each in new if each.method in WRITES]

    return writes
