from __future__ import annotations

import pytest
from children import Child, MeasurementError, TooSlowError


def test_a_child_measures():
    measurement = Child().measure("bare", "chain", 10)

    assert measurement.seconds > 0


def test_a_child_that_fails_says_why():
    with pytest.raises(MeasurementError, match=r"(?s)bare, square of 10: .*invalid choice"):
        Child().measure("bare", "square", 10)


def test_a_child_that_takes_too_long_is_ended():
    with pytest.raises(TooSlowError, match="bare, wide of 10: not done in 0 s"):
        Child(limit_seconds=0).measure("bare", "wide", 10)
