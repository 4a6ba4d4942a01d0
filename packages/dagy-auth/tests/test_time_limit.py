from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from dagy_auth._time_limit import TimeLimitExceeded, call_within


def test_a_call_returns_or_raises_as_ever() -> None:
    assert call_within(60, lambda: 42, thread_name="t") == 42
    with pytest.raises(ZeroDivisionError):
        call_within(60, lambda: 1 / 0, thread_name="t")
    with pytest.raises(SystemExit):
        call_within(60, lambda: sys.exit(3), thread_name="t")


def test_a_call_that_does_not_return_is_left_alone() -> None:
    forever = threading.Event()
    with pytest.raises(TimeLimitExceeded):
        call_within(0.01, forever.wait, thread_name="t")
    forever.set()


def test_a_call_that_does_not_return_does_not_delay_the_end_of_the_process() -> None:
    """AUTH-02"""
    program = """if True:
        import time
        from dagy_auth._time_limit import TimeLimitExceeded, call_within
        try:
            call_within(0.1, lambda: time.sleep(600), thread_name="t")
        except TimeLimitExceeded:
            print("exceeded")
    """
    begin = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "exceeded\n", "")
    assert time.monotonic() - begin < 5
