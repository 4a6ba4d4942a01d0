from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from dagy._clock import SystemClock
from dagy._inbox import Inbox


def test_the_real_time_is_aware_and_in_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    first = clock.monotonic()
    assert clock.monotonic() >= first


def test_a_wait_ends_with_what_arrives() -> None:
    clock, inbox = SystemClock(), Inbox[str]()
    sender = threading.Thread(target=lambda: inbox.put("news"))
    sender.start()
    while inbox.is_empty:  # a wait may end early, with nothing
        clock.wait(inbox, float("inf"), is_idle=False)
    sender.join()
    assert inbox.take() == ["news"]


@pytest.mark.parametrize("is_idle", [True, False])
def test_a_wait_ends_with_nothing_when_its_time_is_up(is_idle: bool) -> None:
    clock, inbox = SystemClock(), Inbox[str]()
    clock.wait(inbox, clock.monotonic() - 1, is_idle=is_idle)
    clock.wait(inbox, clock.monotonic() + 0.001, is_idle=is_idle)
    assert inbox.take() == []
