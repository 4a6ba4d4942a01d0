from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dagy_server.execution.processes import kill_group, started_at

_WAIT = "import sys; sys.stdin.read()"
_WITH_ANOTHER = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {_WAIT!r}])
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a group of two."""
    with subprocess.Popen(
        [sys.executable, "-c", _WITH_ANOTHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        yield process


def test_a_process_is_known_by_its_start(leader: subprocess.Popen[bytes]) -> None:
    assert started_at(leader.pid)
    assert started_at(leader.pid) == started_at(leader.pid)


@pytest.mark.parametrize(
    ("name", "value"), [("TZ", "Asia/Tokyo"), ("LC_ALL", "C"), ("LC_ALL", "de_DE.UTF-8")]
)
def test_its_start_is_the_same_for_whoever_asks(
    leader: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    before = started_at(leader.pid)
    monkeypatch.setenv(name, value)
    assert started_at(leader.pid) == before


def test_a_process_that_is_gone_has_no_start(leader: subprocess.Popen[bytes]) -> None:
    kill_group(leader.pid)
    leader.wait()
    assert started_at(leader.pid) == ""


def test_a_group_ends_with_all_that_are_in_it(leader: subprocess.Popen[bytes]) -> None:
    kill_group(leader.pid)
    assert leader.wait() == -signal.SIGKILL
    assert leader.stdout is not None
    assert leader.stdout.read() == b""  # nobody is left who could write


def test_a_group_outlives_its_leader_and_is_ended(leader: subprocess.Popen[bytes]) -> None:
    leader.kill()
    leader.wait()
    kill_group(leader.pid)
    assert leader.stdout is not None
    assert leader.stdout.read() == b""


def test_to_end_a_group_that_is_gone_is_no_error(leader: subprocess.Popen[bytes]) -> None:
    for _ in range(2):
        kill_group(leader.pid)
        leader.wait()
