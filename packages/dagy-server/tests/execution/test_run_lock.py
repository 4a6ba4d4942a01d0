from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dagy_server.execution.places import RunPlaces
from dagy_server.execution.processes import leader_of, started_at
from dagy_server.execution.run_lock import RunLock
from dagy_types.errors import ConflictError

# Each ends once its standard input is closed, and keeps its standard output open until then.
_WAIT = "import sys; sys.stdin.read()"
_FLOW = "import os, sys; os.fork(); sys.stdin.read()"
_HOLD = f"""
import os, subprocess, sys
from pathlib import Path
from dagy_server.execution.places import RunPlaces
from dagy_server.execution.processes import leader_of
from dagy_server.execution.run_lock import RunLock

print("there", flush=True)
lock = RunLock(RunPlaces(Path(sys.argv[1])), leader_of(os.getpid()))
if "flow" in sys.argv:
    flow = subprocess.Popen(
        [sys.executable, "-c", {_FLOW!r}], start_new_session=True, pass_fds=[lock.descriptor]
    )
    lock.note_with(leader_of(flow.pid))
if "other" in sys.argv:
    subprocess.Popen([sys.executable, "-c", {_WAIT!r}], start_new_session=True)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def places(tmp_path: Path) -> RunPlaces:
    return RunPlaces(tmp_path / "runs" / "abc")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a program that leads a group, and end it after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        _let_go(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.fixture
def hold(
    places: RunPlaces, start: Callable[..., subprocess.Popen[bytes]]
) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a process that holds the lock, with a flow of its own if that is asked for."""

    def hold(*what: str) -> subprocess.Popen[bytes]:
        process = start(_HOLD, str(places.root), *what)
        assert _lines(process, 2) == [b"there\n", b"locked\n"]
        return process

    return hold


@pytest.fixture
def lock(places: RunPlaces) -> Iterator[Callable[[], RunLock]]:
    """Take the lock in this process; it is let go of after the test."""
    taken: list[RunLock] = []

    def lock() -> RunLock:
        taken.append(RunLock(places, leader_of(os.getpid())))
        return taken[-1]

    yield lock
    for each in taken:
        os.close(each.descriptor)


def _let_go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()


def _lines(process: subprocess.Popen[bytes], count: int) -> list[bytes]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def _wait_for_all_of(process: subprocess.Popen[bytes]) -> None:
    """Return once a process and all that it has started are gone."""
    assert process.stdout is not None
    assert process.stdout.read() == b""


def _holders(places: RunPlaces) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(places.holder.read_text())
    return found


def test_who_has_the_lock_is_written_down(places: RunPlaces, lock: Callable[[], RunLock]) -> None:
    lock()
    assert _holders(places) == {str(os.getpid()): started_at(os.getpid())}
    assert stat.S_IMODE(places.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(places.lock.stat().st_mode) == 0o600


def test_a_flow_is_written_down_with_its_worker(
    places: RunPlaces, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    worker = hold("flow")
    numbers = [int(each) for each in _holders(places)]
    assert numbers[0] == worker.pid
    assert os.getpgid(numbers[1]) == numbers[1]


def test_a_holder_that_has_ended_leaves_the_lock_to_the_next(
    places: RunPlaces,
    hold: Callable[..., subprocess.Popen[bytes]],
    lock: Callable[[], RunLock],
) -> None:
    worker = hold()
    _let_go(worker)
    assert worker.wait() == 0
    lock()
    assert list(_holders(places)) == [str(os.getpid())]


def test_a_holder_that_is_written_down_is_ended(
    places: RunPlaces,
    hold: Callable[..., subprocess.Popen[bytes]],
    lock: Callable[[], RunLock],
) -> None:
    worker = hold()
    lock()
    assert worker.wait() == -signal.SIGKILL
    assert list(_holders(places)) == [str(os.getpid())]


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_flow_is_ended_with_all_that_it_has_started(
    hold: Callable[..., subprocess.Popen[bytes]], lock: Callable[[], RunLock], is_killed: bool
) -> None:
    worker = hold("flow")
    if is_killed:
        worker.kill()
        worker.wait()
    lock()
    _wait_for_all_of(worker)


def test_later_holders_end_earlier_ones_one_after_the_other(
    places: RunPlaces, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    workers = [hold("flow") for _ in range(3)]
    for each in workers[:-1]:
        _wait_for_all_of(each)
    assert workers[-1].poll() is None
    assert int(next(iter(_holders(places)))) == workers[-1].pid


def test_other_programs_do_not_inherit_the_lock(
    hold: Callable[..., subprocess.Popen[bytes]], lock: Callable[[], RunLock]
) -> None:
    worker = hold("other")
    worker.kill()
    worker.wait()
    lock()  # although the other program goes on


def test_who_has_the_number_of_a_holder_and_another_start_is_left_alone(
    places: RunPlaces,
    start: Callable[..., subprocess.Popen[bytes]],
    hold: Callable[..., subprocess.Popen[bytes]],
    lock: Callable[[], RunLock],
) -> None:
    holder, other, known = hold(), start(_WAIT), start(_WAIT)
    written = {
        str(holder.pid): "",
        str(other.pid): "earlier",
        str(known.pid): started_at(known.pid),
    }
    places.holder.write_text(json.dumps(written))
    later = threading.Thread(target=lock)
    later.start()
    assert known.wait() == -signal.SIGKILL  # the last of them is dealt with
    assert later.is_alive()
    assert (holder.poll(), other.poll()) == (None, None)
    _let_go(holder)
    later.join()
    assert other.poll() is None
    assert list(_holders(places)) == [str(os.getpid())]


@pytest.mark.parametrize("text", [None, "", "{", '{"x": "y"}', "{}"])
def test_a_holder_that_is_not_written_down_is_waited_for(
    places: RunPlaces,
    hold: Callable[..., subprocess.Popen[bytes]],
    start: Callable[..., subprocess.Popen[bytes]],
    text: str | None,
) -> None:
    holder = hold()
    places.holder.unlink()
    if text is not None:
        places.holder.write_text(text)
    later = start(_HOLD, str(places.root))
    assert _lines(later, 1) == [b"there\n"]
    _let_go(holder)
    assert holder.wait() == 0
    assert _lines(later, 1) == [b"locked\n"]
    assert list(_holders(places)) == [str(later.pid)]


def test_a_holder_that_does_not_end_is_named(
    places: RunPlaces, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    hold()
    places.holder.unlink()
    with pytest.raises(
        ConflictError, match=f"Processes that hold {places.lock} do not end"
    ) as error:
        RunLock(places, leader_of(os.getpid()), patience_seconds=0.1)
    assert error.value.hint
