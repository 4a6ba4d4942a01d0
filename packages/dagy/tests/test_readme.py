from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_program_about_archives_works(tmp_path: Path) -> None:
    programs = re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    flow = next(each for each in programs if "__main__" in each)
    program = next(each for each in programs if "open_artifact" in each)
    (tmp_path / "etl.py").write_text(flow)
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql/load.sql").write_text("select 1;\n")
    (tmp_path / "program.py").write_text(f"{program}print(daily(day='2026-11-02'))\n")
    ended = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "6"
    assert (tmp_path / "work/src/sql/load.sql").is_file()
