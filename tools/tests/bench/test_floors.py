from __future__ import annotations

import floors
import pytest
from shapes import SHAPES


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", floors.WAYS)
def test_every_way_comes_to_the_expected_result(way, shape, tmp_path):
    trial = floors.WAYS[way](shape, 40, tmp_path)

    assert trial.run() == trial.result


@pytest.mark.parametrize("way", ["floor", "floor-full"])
def test_a_floor_records_every_task(way, tmp_path):
    trial = floors.WAYS[way]("layers", 40, tmp_path)

    trial.run()

    assert trial.count_recorded() == 40


def test_what_a_task_raises_in_a_thread_ends_the_run(tmp_path, monkeypatch):
    def fail(values):
        raise ZeroDivisionError

    monkeypatch.setattr(floors, "work", fail)

    with pytest.raises(ZeroDivisionError):
        floors.WAYS["pool"]("wide", 10, tmp_path).run()
