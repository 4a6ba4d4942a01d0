from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy._policy import jittered, retry_delays
from dagy_types.errors import FlowDefinitionError


@pytest.mark.parametrize(
    ("retries", "delay", "delays"),
    [
        (3, 2.0, (2.0, 2.0, 2.0)),
        (3, [1, 5, 30], (1.0, 5.0, 30.0)),
        (4, (1, 2), (1.0, 2.0, 2.0, 2.0)),
        (1, [1, 2, 3], (1.0,)),
        (5, lambda n: [2**i for i in range(n)], (1.0, 2.0, 4.0, 8.0, 16.0)),
        (2, None, (0.0, 0.0)),
        (0, 5, ()),
    ],
)
def test_each_published_form_of_delays(retries: int, delay: Any, delays: tuple[float]) -> None:
    given = retry_delays(retries, delay)
    assert tuple(given.before(retry) for retry in range(retries)) == delays


def fails(_: int) -> list[float]:
    raise LookupError("gone")


@pytest.mark.parametrize(
    ("delay", "told"),
    [
        (-1, "from 0; got -1"),
        (math.nan, "got nan"),
        (math.inf, "got inf"),
        ("5", "got '5'"),
        (True, "got True"),
        ([1, "x"], "got 'x'"),
        ([], "is empty"),
        (lambda n: 5, "returned 5, which is not a list"),
        (lambda n: [None], "got None"),
        (fails, "raised LookupError: gone"),
    ],
)
def test_a_delay_that_is_none_is_refused(delay: Any, told: str) -> None:
    with pytest.raises(FlowDefinitionError, match=told):
        retry_delays(2, delay)


@given(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1, exclude_max=True))
def test_jitter_adds_at_most_its_share(delay: float, factor: float, chance: float) -> None:
    assert delay <= jittered(delay, factor, lambda: chance) <= delay * (1 + factor)
    assert jittered(delay, None, lambda: chance) == delay
