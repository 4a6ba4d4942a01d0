"""Processes of flows: they wait for an order, see what they may, and end with their worker."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagy.unattended import Order
from dagy_server.execution.flow_process import FlowProcess, environment_for
from dagy_server.execution.flow_processes import FlowProcesses
from dagy_store import LocalMetadataStore
from dagy_types import RunStatus

_FLOW = """
import json
import os
import sys
from pathlib import Path

from dagy import flow, task

@task
def look(path: str) -> None:
    seen = {"directory": os.getcwd(), "environ": dict(os.environ), "input": sys.stdin.read()}
    Path(path).write_text(json.dumps(seen))

@flow
def looks(path: str) -> None:
    look(path)

@task
def wait(path: str) -> None:
    with open(path, "w"):
        pass
    while True:
        pass

@flow
def waits(path: str) -> None:
    wait(path)

print("a line outside of tasks")
"""
_WORKER = """
import sys, os
from pathlib import Path
from dagy.unattended import Order, order_from_json
from dagy_server.execution.flow_processes import FlowProcesses

order = order_from_json(sys.stdin.readline())
flows = FlowProcesses(dict(os.environ))
flows.make_ready()
process = flows.start(sys.executable, Path("output"))
process.carry_out(order, output=Path("output"), lock=int(sys.argv[1]))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def flows() -> Iterator[FlowProcesses]:
    flows = FlowProcesses(environment_for([]))
    yield flows
    flows.close()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    (tmp_path / "flows.py").write_text(_FLOW)
    return Order(
        target=f"{tmp_path}/flows.py:looks",
        directory=str(tmp_path),
        home=str(tmp_path / "home"),
        record=str(tmp_path / "record"),
        run_id="abc",
        parameters={"path": str(tmp_path / "seen.json")},
    )


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    """A lock that this process has."""
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield descriptor
    os.close(descriptor)


def _is_taken(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_the_one_that_waits_carries_out_the_order(
    flows: FlowProcesses, order: Order, output: Path, lock: int
) -> None:
    flows.make_ready()
    ready = flows._ready
    process = flows.start(sys.executable, output)
    assert process is ready
    process.carry_out(order, output=output, lock=lock)
    assert process.wait(60)
    assert process.ending() == "ended with status 0"
    with LocalMetadataStore(order.record) as store:
        assert store.get_run("abc").status is RunStatus.SUCCEEDED
    assert output.read_text() == "a line outside of tasks\n"
    process.kill()


def test_sec_23_a_flow_sees_where_it_is_and_nothing_of_the_server(
    order: Order, output: Path, lock: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("PASSWORD", "DAGY_TOKEN", "SEEN"):
        monkeypatch.setenv(name, f"the {name}")
    process = FlowProcesses(environment_for(["SEEN", "ABSENT"])).start(sys.executable, output)
    process.carry_out(order, output=output, lock=lock)
    assert process.wait(60)
    process.kill()
    seen: dict[str, Any] = json.loads((tmp_path / "seen.json").read_text())
    assert seen["directory"] == order.directory
    assert seen["input"] == ""
    assert seen["environ"]["HOME"] == order.home
    assert seen["environ"]["SEEN"] == "the SEEN"
    assert not {"PASSWORD", "DAGY_TOKEN", "ABSENT"} & set(seen["environ"])


def test_a_flow_that_needs_another_python_gets_a_process_of_its_own(
    flows: FlowProcesses, output: Path, tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    flows.make_ready()
    assert flows._ready is not None
    ready = flows._ready
    process = flows.start(str(other), output)
    assert process.python == str(other)
    assert ready.has_ended  # nobody else will want it
    process.kill()


def test_one_that_was_killed_while_it_waited_is_not_used(
    flows: FlowProcesses, output: Path
) -> None:
    flows.make_ready()
    assert flows._ready is not None
    killed = flows._ready
    os.kill(killed.leader.process_id, 9)
    assert killed.wait(60)
    process = flows.start(sys.executable, output)
    assert process is not killed
    process.kill()


def test_one_that_waits_is_gone_once_nobody_wants_it(flows: FlowProcesses) -> None:
    flows.make_ready()
    assert flows._ready is not None
    process = flows._ready
    flows.close()
    assert process.has_ended


def test_without_an_order_it_ends_in_silence(output: Path) -> None:
    with output.open("wb") as file:
        process = FlowProcess(sys.executable, environment_for([]), file.fileno())
    process._channel.close()
    assert process.wait(60)
    assert process.ending() == "ended with status 0"
    assert output.read_bytes() == b""


def test_why_it_cannot_start_is_in_its_output(flows: FlowProcesses, output: Path) -> None:
    process = flows.start("/bin/false", output)
    assert process.wait(60)
    assert process.ending() == "ended with status 1"
    assert process.fault() is None
    process.kill()


def test_an_order_for_one_that_is_gone_is_no_error(
    flows: FlowProcesses, order: Order, output: Path, lock: int
) -> None:
    process = flows.start("/bin/false", output)
    assert process.wait(60)
    process.carry_out(
        replace(order, parameters={"path": "x" * 1_000_000}), output=output, lock=lock
    )
    assert process.fault() is None
    process.kill()


def test_a_long_order_arrives_whole_and_a_long_fault_is_cut(
    flows: FlowProcesses, order: Order, output: Path, lock: int
) -> None:
    process = flows.start(sys.executable, output)
    long_order = replace(order, target="\N{PERSON WITH BALL}" * 300_000)
    process.carry_out(long_order, output=output, lock=lock)
    assert process.wait(60)
    fault = process.fault()
    assert fault is not None
    assert fault[0].startswith("'\N{PERSON WITH BALL}")
    assert len(fault[0]) == 4_000
    process.kill()


def test_the_lock_is_held_by_the_process_until_it_is_gone(
    flows: FlowProcesses, order: Order, output: Path, tmp_path: Path
) -> None:
    path = tmp_path / "lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    process = flows.start(sys.executable, output)
    os.kill(process.leader.process_id, 19)  # SIGSTOP: the order is under way, nobody has it
    target = order.target.replace(":looks", ":waits")
    process.carry_out(replace(order, target=target), output=output, lock=lock)
    os.close(lock)
    assert _is_taken(path)
    os.kill(process.leader.process_id, 18)
    process.kill()
    assert not _is_taken(path)


def test_orch_03_a_flow_whose_worker_is_killed_right_after_the_order_ends_with_it(
    order: Order, tmp_path: Path
) -> None:
    path = tmp_path / "lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    order = replace(order, target=order.target.replace(":looks", ":waits"))
    worker = subprocess.run(
        [sys.executable, "-c", _WORKER, str(lock)],
        input=order.to_json(),
        cwd=tmp_path,
        pass_fds=[lock],
        check=False,
    )
    assert worker.returncode == -9
    os.close(lock)
    deadline = time.monotonic() + 60
    while _is_taken(path):  # as long as a process of the flow is left
        assert time.monotonic() < deadline
        time.sleep(0.02)
