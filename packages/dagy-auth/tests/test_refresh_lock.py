from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dagy_auth._refresh_lock import file_lock
from dagy_types.errors import CredentialStoreError

_HOLD = """if True:
    import sys
    from pathlib import Path
    from dagy_auth._refresh_lock import file_lock
    with file_lock(Path(sys.argv[1]), time_limit_seconds=0, is_needed=lambda: True):
        print("held", flush=True)
        sys.stdin.read()
"""


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory" / "lock"


def _lock(
    path: Path, *, seconds: float = 0, clock: _Clock | None = None, is_needed: bool = True
) -> AbstractContextManager[None]:
    clock = clock or _Clock()
    return file_lock(
        path,
        time_limit_seconds=seconds,
        is_needed=lambda: is_needed,
        sleep=clock.sleep,
        monotonic=clock.now,
    )


def test_a_free_lock_is_taken_without_waiting(path: Path, clock: _Clock) -> None:
    with _lock(path, clock=clock):
        assert clock.waits == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_held_lock_is_refused_after_the_time_limit(path: Path, clock: _Clock) -> None:
    refused = pytest.raises(CredentialStoreError, match=r"for 0\.5 s")
    with _lock(path), refused as caught, _lock(path, seconds=0.5, clock=clock):
        pytest.fail("two holders")
    assert caught.value.hint is not None
    assert 0.5 <= clock.seconds < 0.6
    assert clock.waits == sorted(clock.waits)


def test_an_error_inside_frees_the_lock_and_stays_what_it_is(path: Path) -> None:
    with pytest.raises(ConnectionError), _lock(path):
        raise ConnectionError
    with _lock(path):
        pass


def test_a_file_that_is_not_needed_goes_with_its_last_holder(path: Path) -> None:
    with _lock(path, is_needed=False):
        assert path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_removed_file_does_not_let_two_in(path: Path, clock: _Clock) -> None:
    first = _lock(path)
    first.__enter__()
    path.unlink()
    with _lock(path), pytest.raises(CredentialStoreError), _lock(path):
        pytest.fail("two holders")
    first.__exit__(None, None, None)
    with _lock(path):
        pass


def test_who_waits_for_a_lock_whose_file_is_removed_gets_the_new_one(path: Path) -> None:
    first = _lock(path, is_needed=False)
    first.__enter__()
    clock = _Clock()

    def free_at_the_third_wait(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.waits) == 3:
            first.__exit__(None, None, None)

    waiting = file_lock(
        path,
        time_limit_seconds=60,
        is_needed=lambda: True,
        sleep=free_at_the_third_wait,
        monotonic=clock.now,
    )
    with waiting:
        assert len(clock.waits) == 3
        with pytest.raises(CredentialStoreError), _lock(path):
            pytest.fail("two holders")


def test_threads_take_turns(path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with file_lock(path, time_limit_seconds=60, is_needed=lambda: True):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_is_free_at_once_when_its_holder_is_killed(path: Path) -> None:
    """AUTH-11"""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CredentialStoreError), _lock(path):
            pytest.fail("two holders")
        os.kill(holder.pid, signal.SIGKILL)
        killed_at = time.monotonic()
        with file_lock(path, time_limit_seconds=30, is_needed=lambda: True):
            assert time.monotonic() - killed_at < 2


def test_a_child_that_was_forked_meanwhile_does_not_keep_the_lock(path: Path) -> None:
    wait, go = os.pipe()
    with _lock(path):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(wait, 1)
            os._exit(0)
    with _lock(path):
        pass
    os.close(go)
    os.waitpid(child, 0)
    os.close(wait)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a directory that takes no names")
def test_a_place_that_takes_no_lock_is_an_error() -> None:
    with (
        pytest.raises(CredentialStoreError, match="/proc/x cannot be used"),
        _lock(Path("/proc/x")),
    ):
        pytest.fail("held")
