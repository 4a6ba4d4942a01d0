from __future__ import annotations

import pytest
from figures import WAYS, Figures
from measure import Measurement


@pytest.fixture
def figures():
    """A task costs 1 microsecond the bare way, 2 in a pool and so on, whatever the size."""
    figures = Figures([1_000, 100_000])
    for size in figures.sizes:
        for number, way in enumerate(WAYS, start=1):
            figures.add(way, "wide", size, _measurement(number * size / 1e6, size * 512))
    return figures


def _measurement(seconds, growth=0):
    return Measurement(seconds, startup_bytes=1_000, peak_bytes=1_000 + growth)


def test_costs_are_shown_by_size_with_the_ratios_of_dagy(figures):
    assert list(figures.cost_rows("wide")) == [
        ["wide", "bare", "pool", "floor", "floor-full", "dagy", "dagy/floor", "dagy/floor-full"],
        ["1,000", "1.0", "2.0", "3.0", "4.0", "5.0", "1.67x", "1.25x"],
        ["100,000", "1.0", "2.0", "3.0", "4.0", "5.0", "1.67x", "1.25x"],
    ]


def test_the_fastest_repetition_counts(figures):
    figures.add("dagy", "wide", 1_000, _measurement(0.004))
    figures.add("dagy", "wide", 1_000, _measurement(0.009))

    assert figures.cost("dagy", "wide", 1_000) == pytest.approx(4)


def test_growth_is_shown_between_a_thousand_and_a_hundred_thousand_tasks(figures):
    figures.add("dagy", "wide", 1_000, _measurement(0.004))

    rows = list(figures.growth_rows(["wide"]))

    assert rows[0] == ["cost at 100,000 / at 1,000", "wide"]
    assert rows[1] == ["bare", "1.00x"]
    assert rows[-1] == ["dagy", "1.25x"]


def test_memory_is_shown_for_sizes_where_it_means_something(figures):
    assert list(figures.memory_rows(["wide"])) == [
        ["dagy, bytes per task", "wide"],
        ["100,000", "512"],
    ]


def test_tables_without_their_sizes_are_left_out():
    figures = Figures([10, 100])

    assert list(figures.growth_rows(["wide"])) == []
    assert list(figures.memory_rows(["wide"])) == []
