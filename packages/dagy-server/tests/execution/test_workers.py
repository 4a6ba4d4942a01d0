"""Processes of workers: one is ready once there was work, and none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagy_server.execution.orders import WorkOrder
from dagy_server.execution.places import Places
from dagy_server.execution.workers import Workers
from dagy_server.settings import Settings


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@pytest.fixture
def workers(places: Places) -> Iterator[Workers]:
    workers = Workers(places, Settings(data_directory=places.root, port=9))
    yield workers
    workers.close()


@pytest.fixture
def order(tmp_path: Path) -> WorkOrder:
    """Work at a server that is nowhere: the worker gives up soon."""
    return WorkOrder(
        url="http://127.0.0.1:9",
        token="t",
        run_id="r1",
        number=1,
        line=("r1",),
        artifact_id="a",
        sha256="0" * 64,
        parameters={},
        root=str(tmp_path),
        lease_seconds=1,
        max_artifact_bytes=1,
    )


def _children() -> set[int]:
    text = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return set(map(int, text.split()))


def _is_worker(process_id: int) -> bool:
    try:
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()  # empty when it has ended
    except FileNotFoundError:
        return False
    return b"dagy_server.execution.worker" in command


def test_without_work_there_is_no_process(workers: Workers) -> None:
    before = _children()
    workers.make_ready()
    assert _children() == before


def test_once_there_was_work_one_worker_is_ready_and_takes_the_next(
    workers: Workers, order: WorkOrder
) -> None:
    first = workers.start(order)
    before = _children()
    workers.make_ready()
    workers.make_ready()
    (ready,) = _children() - before
    second = workers.start(order)
    assert second.pid == ready
    assert second.pid != first.pid
    for each in (first, second):
        each.kill()
        each.wait()


def test_a_ready_worker_that_was_killed_is_replaced(workers: Workers, order: WorkOrder) -> None:
    first = workers.start(order)
    workers.make_ready()
    for _ in range(2):
        assert workers._ready is not None
        workers._ready.kill()
        workers._ready.wait()
        workers.make_ready()
    assert workers._ready is not None
    assert workers._ready.poll() is None
    first.kill()
    first.wait()


def test_a_killed_worker_is_not_given_the_next_order(workers: Workers, order: WorkOrder) -> None:
    first = workers.start(order)
    workers.make_ready()
    assert workers._ready is not None
    killed = workers._ready
    killed.kill()
    killed.wait()
    second = workers.start(order)
    assert second.pid != killed.pid
    for each in (first, second):
        each.kill()
        each.wait()


def test_a_worker_without_an_order_ends_in_silence(
    workers: Workers, order: WorkOrder, places: Places
) -> None:
    first = workers.start(order)
    workers.make_ready()
    assert workers._ready is not None
    ready = workers._ready
    workers.close()
    assert ready.returncode == 0
    assert places.log_of_starts.read_bytes() == b""
    first.kill()
    first.wait()


def test_a_worker_loads_neither_the_database_nor_the_web_framework() -> None:
    program = "import sys; import dagy_server.execution.worker; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"sqlalchemy", "fastapi", "alembic"} & set(done.stdout.split())


def test_what_a_worker_says_is_in_the_log_of_its_run(
    workers: Workers, order: WorkOrder, places: Places, tmp_path: Path
) -> None:
    (tmp_path / "runs").write_text("in the way of the directory of the run")
    worker = workers.start(order)
    assert worker.wait(60) == 1
    assert "NotADirectoryError" in places.log_of("r1").read_text()
    assert places.log_of_starts.read_bytes() == b""


def test_orch_24_a_server_that_was_killed_leaves_no_ready_worker_behind(site: Any) -> None:
    run = site.run(site.deploy(_FLOW, "fails"))
    busy = set(site.holders(run.run_id))  # they are about to end
    process = site.server.process

    def ready() -> set[int]:
        return {each for each in _children_of(process.pid) - busy if _is_worker(each)}

    (worker,) = site.wait_for(ready)
    process.kill()
    process.wait()
    site.wait_for(lambda: not _is_worker(worker))


# What a run has failed with is kept, so that it can be retried, and with it who worked on it.
_FLOW = """
from dagy import flow, task

@task
def step() -> None:
    raise ValueError

@flow(version=VERSION)
def fails() -> None:
    step()
"""


def _children_of(process_id: int) -> set[int]:
    text = "".join(each.read_text() for each in Path(f"/proc/{process_id}/task").glob("*/children"))
    return set(map(int, text.split()))
