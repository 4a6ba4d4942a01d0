from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from dagy._timers import Timers


def test_nothing_is_due_without_timers() -> None:
    timers: Timers[str] = Timers()
    assert timers.next_at == inf
    assert timers.pop_due(1e9) == []


@given(st.lists(st.integers(0, 20)), st.integers(0, 20))
def test_what_is_due_comes_in_order_and_the_rest_stays(times: list[int], now: int) -> None:
    timers: Timers[int] = Timers()
    for number, at in enumerate(times):
        timers.add(at, number)
    due = timers.pop_due(now)
    order = sorted(range(len(times)), key=lambda number: (times[number], number))
    assert due == [number for number in order if times[number] <= now]
    later = [at for at in times if at > now]
    assert timers.next_at == min(later, default=inf)
