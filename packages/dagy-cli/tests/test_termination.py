from __future__ import annotations

import signal

import pytest

from dagy_cli.termination import Terminated, sigterm_raises


def test_sigterm_becomes_an_exception_and_the_old_handler_returns() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), sigterm_raises():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
