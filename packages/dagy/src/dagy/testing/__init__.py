"""Run flows in tests: nothing on disk, no waiting, nothing left behind.

def test_the_report() -> None:
    with harness() as test:
        assert report.run_local(day="2026-11-01").result() == 6
        assert test.store.list_runs(limit=1)[0].flow_name == "report"
"""

from __future__ import annotations

from dagy.testing._fake_clock import FakeClock
from dagy.testing._harness import Harness, harness
from dagy.testing._memory_store import MemoryStore

__all__ = ["FakeClock", "Harness", "MemoryStore", "harness"]
