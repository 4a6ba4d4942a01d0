from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dagy_store._file_lock import FileLock
from dagy_types.errors import StoreBusyError


class _Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _lock(path: Path, clock: _Clock, timeout_seconds: float = 0.05) -> FileLock:
    return FileLock(path, timeout_seconds=timeout_seconds, sleep=clock.sleep, clock=clock.now)


def test_a_free_lock_is_taken_without_waiting(tmp_path: Path, clock: _Clock) -> None:
    lock = _lock(tmp_path / "lock", clock)
    with lock:
        assert clock.waits == []
    lock.close()


def test_a_held_lock_is_busy_after_the_time_limit(tmp_path: Path, clock: _Clock) -> None:
    first, second = _lock(tmp_path / "lock", clock), _lock(tmp_path / "lock", clock)
    with first, pytest.raises(StoreBusyError, match=r"for 0\.05 s") as caught, second:
        pytest.fail("two holders")
    assert caught.value.hint is not None
    assert clock.seconds >= 0.05
    first.close()
    second.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock")
def test_the_error_names_the_process_that_holds_it(tmp_path: Path, clock: _Clock) -> None:
    first, second = _lock(tmp_path / "lock", clock), _lock(tmp_path / "lock", clock)
    with first, pytest.raises(StoreBusyError, match=f"process {os.getpid()} "):
        second._acquire()
    first.close()
    second.close()


def test_waits_are_short_and_grow_to_a_limit(tmp_path: Path, clock: _Clock) -> None:
    first, second = _lock(tmp_path / "lock", clock), _lock(tmp_path / "lock", clock)
    with first, pytest.raises(StoreBusyError):
        second._acquire()
    assert clock.waits == sorted(clock.waits)
    assert clock.waits[0] < 0.001
    assert clock.waits[-1] == clock.waits[-2] < 0.02
    first.close()
    second.close()


def test_an_error_inside_releases_the_lock(tmp_path: Path, clock: _Clock) -> None:
    first, second = _lock(tmp_path / "lock", clock), _lock(tmp_path / "lock", clock)
    with pytest.raises(ZeroDivisionError), first:
        raise ZeroDivisionError
    with second:
        assert clock.waits == []
    first.close()
    second.close()


def test_who_waits_goes_on_as_soon_as_the_lock_is_free(tmp_path: Path, clock: _Clock) -> None:
    holder = FileLock(tmp_path / "lock", timeout_seconds=0)
    holder.__enter__()

    def sleep_until_released(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.waits) == 3:
            holder.__exit__(None, None, None)

    lock = FileLock(
        tmp_path / "lock", timeout_seconds=60, sleep=sleep_until_released, clock=clock.now
    )
    with lock:
        assert len(clock.waits) == 3
    holder.close()
    lock.close()


def test_a_deleted_lock_file_does_not_let_two_in(tmp_path: Path, clock: _Clock) -> None:
    first, second = _lock(tmp_path / "lock", clock), _lock(tmp_path / "lock", clock)
    with first:
        pass
    (tmp_path / "lock").unlink()
    with second, pytest.raises(StoreBusyError):
        first._acquire()
    first.close()
    second.close()
