"""What maintainers run for long, for a moment."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "stress_resume.py"


@pytest.mark.parametrize(("executor", "rounds"), [("threads", 10), ("processes", 4)])
def test_runs_that_are_killed_again_and_again_lose_and_repeat_nothing(
    executor: str, rounds: int
) -> None:
    """``tools/stress_resume.py --rounds 200`` takes longer."""
    ended = subprocess.run(
        [sys.executable, TOOL, "--rounds", str(rounds), "--seed", "1", "--executor", executor],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    told = re.match(
        rf"{rounds} rounds in {executor}, seed 1: (\d+) kills, 0 problems", ended.stdout
    )
    assert told is not None
    assert int(told[1]) >= rounds
