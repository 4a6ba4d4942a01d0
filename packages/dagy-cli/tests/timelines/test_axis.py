from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.timelines.axis import ticks


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (0.001, ["0", "0.2 ms", "0.4 ms", "0.6 ms", "0.8 ms", "1 ms"]),
        (0.7, ["0", "200 ms", "400 ms", "600 ms"]),
        (2.3, ["0", "500 ms", "1 s", "1.5 s", "2 s"]),
        (40, ["0", "10 s", "20 s", "30 s", "40 s"]),
        (100, ["0", "20 s", "40 s", "1 m", "1 m 20 s", "1 m 40 s"]),
        (4000, ["0", "20 m", "40 m", "1 h"]),
        (30000, ["0", "2 h", "4 h", "6 h", "8 h"]),
    ],
)
def test_marks_are_at_round_moments(seconds: float, texts: list[str]) -> None:
    assert [text for _, text in ticks(seconds, most=5)] == texts


@given(st.floats(0.001, 1e9), st.integers(0, 20))
def test_there_are_never_more_marks_than_asked_for(seconds: float, most: int) -> None:
    marks = ticks(seconds, most=most)
    assert 1 <= len(marks) <= max(most, 1) + 1
    assert marks[0] == (0, "0")
    assert marks[-1][0] <= seconds
    assert len({text for _, text in marks}) == len(marks)
