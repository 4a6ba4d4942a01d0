from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import dagy
import dagy.deploy
import dagy.local


@pytest.mark.parametrize("module", [dagy, dagy.deploy, dagy.local])
def test_all_names_are_there_and_sorted_as_written(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None


def test_the_version_is_that_of_the_distribution() -> None:
    assert dagy.__version__ == version("dagy")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dagy.nothing  # noqa: B018


def test_importing_dagy_loads_nothing_heavy_and_starts_nothing() -> None:
    code = (
        "import sys, threading, dagy;"
        "heavy = {'asyncio', 'dagy_client', 'httpx', 'keyring', 'tabulate', 'pydantic', 'yaml'};"
        "print(sorted(heavy & set(sys.modules)), threading.active_count())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[] 1"


def test_running_a_flow_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    program = """
import sys
from dagy import flow, task

@task
def load(number: int) -> int:
    return number

@flow
def daily(number: int = 1) -> int:
    return load(number)

assert daily(number=2) == 2
print(*sys.modules)
"""
    path = tmp_path / "program.py"
    path.write_text(program)
    ended = subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, "DAGY_LOCAL_DIR": str(tmp_path / "dagy")},
        capture_output=True,
        text=True,
        check=True,
    )
    for_others = {
        *("asyncio", "decimal", "pickle", "random", "socket", "ssl", "tempfile", "uuid"),
        *("httpx", "pydantic", "dagy.building", "dagy.deploy", "dagy.local._replay"),
    }
    assert for_others & set(ended.stdout.split()) == set()
