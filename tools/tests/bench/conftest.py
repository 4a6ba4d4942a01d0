from __future__ import annotations

import sys
from pathlib import Path

# The benchmarks are scripts: each finds its neighbours because Python looks beside a script.
sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
