"""Runs whose server, worker, or both are killed."""

from __future__ import annotations

import runpy
from pathlib import Path

_STRESS = Path(__file__).parents[4] / "tools" / "stress_remote.py"


def test_orch_03_a_run_ends_truthfully_whoever_is_killed(tmp_path: Path) -> None:
    """``tools/stress_remote.py --rounds 50`` takes longer."""
    stress = runpy.run_path(str(_STRESS))["stress"]
    assert stress(tmp_path, rounds=1, seed=1) == []
