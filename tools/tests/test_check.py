from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_CHECK = Path(__file__).parents[1] / "check.py"


def check(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(_CHECK), *arguments],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "script",
    [
        None,
        "exit 127",
        "echo pypy final 3 10 $0",
        "echo cpython candidate 3 10 $0",
        "echo cpython final 3 9 $0",
        "echo nonsense",
    ],
    ids=["absent", "a shim that leads nowhere", "pypy", "unreleased", "another", "no Python"],
)
def test_no_check_starts_without_the_lowest_python(tmp_path: Path, script: str | None) -> None:
    if script is not None:
        interpreter = tmp_path / "python3.10"
        interpreter.write_text(f"#!/bin/sh\n{script}\n")
        interpreter.chmod(0o755)
    done = check("--lowest-and-newest", path=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "tools/check.py: Python 3.10 is neither on PATH nor under pyenv (found: none).",
        "Install it, or leave out --lowest-and-newest to test with this Python.",
    ]


def test_the_interpreters_of_pyenv_are_found(tmp_path: Path) -> None:
    newer = tmp_path / "root/versions/3.12.1/bin/python3.12"
    newer.parent.mkdir(parents=True)
    newer.write_text("#!/bin/sh\necho cpython final 3 12 $0\n")
    newer.chmod(0o755)
    pyenv = tmp_path / "pyenv"
    pyenv.write_text(f"#!/bin/sh\necho {tmp_path}/root\n")
    pyenv.chmod(0o755)
    assert "(found: 3.12)" in check("--lowest-and-newest", path=tmp_path).stderr


def test_an_unknown_step_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = check("--only", "tests", path=tmp_path)
    assert done.returncode == 2
    choices = done.stderr.rpartition("choose from")[2]
    assert re.findall(r"\w+", choices) == ["lint", "types", "packages", "integration"]
