from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dagy_store._liveness import Lifeline, is_alive


def test_a_run_is_alive_while_its_lock_is_held_and_asking_does_not_release_it(
    tmp_path: Path,
) -> None:
    lifeline = Lifeline(tmp_path / "lock")
    assert [is_alive(tmp_path / "lock") for _ in range(3)] == [True, True, True]
    lifeline.end()


def test_an_ended_run_leaves_no_file(tmp_path: Path) -> None:
    Lifeline(tmp_path / "lock").end()
    assert list(tmp_path.iterdir()) == []
    assert not is_alive(tmp_path / "lock")


def test_a_dropped_lock_leaves_a_file_and_no_life(tmp_path: Path) -> None:
    Lifeline(tmp_path / "lock").drop()
    assert (tmp_path / "lock").exists()
    assert not is_alive(tmp_path / "lock")


def test_a_lock_cannot_be_held_twice(tmp_path: Path) -> None:
    lifeline = Lifeline(tmp_path / "lock")
    with pytest.raises(BlockingIOError):
        Lifeline(tmp_path / "lock")
    assert is_alive(tmp_path / "lock")
    lifeline.end()


def test_a_killed_process_is_not_alive(tmp_path: Path) -> None:
    ready, is_ready = os.pipe()
    child = os.fork()
    if not child:
        lifeline = Lifeline(tmp_path / "lock")
        os.write(is_ready, b"!")
        signal.pause()
        lifeline.end()
    os.read(ready, 1)
    was_alive = is_alive(tmp_path / "lock")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ready)
    os.close(is_ready)
    assert was_alive
    assert not is_alive(tmp_path / "lock")
