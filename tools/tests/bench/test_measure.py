from __future__ import annotations

import pytest
from measure import WrongResultError, measure, run_once
from trial import Trial


def test_a_measurement_warms_up_with_ten_tasks_and_then_runs_the_shape():
    sizes = []

    def prepare(shape, size, directory):
        return Trial(lambda: sizes.append(size) or 7, 7)

    measurement = measure(prepare, "wide", 50)

    assert sizes == [10, 50]
    assert measurement.seconds > 0
    assert measurement.peak_bytes >= measurement.startup_bytes > 1_000_000


def test_a_wrong_result_fails_the_benchmark():
    with pytest.raises(WrongResultError, match="the result is 3 instead of 4"):
        run_once(lambda *_: Trial(lambda: 3, 4), "wide", 10)


def test_a_task_that_is_not_recorded_fails_the_benchmark():
    with pytest.raises(WrongResultError, match="9 of 10 tasks are recorded"):
        run_once(lambda *_: Trial(lambda: 4, 4, lambda: 9), "wide", 10)
