from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable

import pytest

from dagy._executors.processes.forking import flush_standard_streams, fork


def exit_status(body: Callable[[], None]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(fork(body), 0)[1])


def test_a_fork_runs_its_body_and_ends() -> None:
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb") as answers:
        assert exit_status(lambda: os.close(os.write(writable, b"hello") and writable)) == 0
        os.close(writable)
        assert answers.read() == b"hello"


def test_a_fork_that_raises_says_so_and_does_not_return(capfd: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        raise ValueError("from the fork")

    assert exit_status(body) == 1
    assert "ValueError: from the fork" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fork_is_deaf_to_what_stops_a_program(number: int) -> None:
    def body() -> None:
        signal.raise_signal(number)
        os._exit(7)

    assert exit_status(body) == 7


def test_a_fork_with_other_threads_around_gives_no_warning() -> None:
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        assert exit_status(lambda: None) == 0  # a warning would be an error here
    finally:
        end.set()
        other.join()


def test_the_signals_of_the_parent_are_as_before() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGINT)
    assert exit_status(lambda: None) == 0
    after = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGINT)
    assert before == after


def test_streams_are_flushed_if_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))
    monkeypatch.setattr(sys, "stderr", None)
    sys.stdout.write("waiting")
    flush_standard_streams()
    assert raw.getvalue() == b"waiting"
    sys.stdout.close()
    flush_standard_streams()
