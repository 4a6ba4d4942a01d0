"""The README is true: its commands work, and print what it says that they print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from installed import ROOT, Environment, on_terminal

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def shape(text: str) -> list[str]:
    """Leave out what differs between runs and machines, and the order of tasks."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d", "TIME", text)
    text = re.sub(r"\b\d+(\.\d+)? m?s\b", "DURATION", text)
    text = re.sub(r"\b[a-z][0-9a-hjkmnp-tv-z]{11}\b", "RUN_ID", text)
    text = re.sub(r" /\S*/packages/", " …/packages/", text)
    text = re.sub(r"Python [\d.]+\S* on \w+", "Python VERSION on PLATFORM", text)
    text = re.sub("[━┳╋┻┏┓┣┫┗┛]+", "━", text)
    return sorted(re.sub(" +", " ", text).splitlines())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what is in the repository, as a fresh clone has it."""
    tree = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():  # not what is deleted in the work tree
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    return tree


def test_the_first_line_sets_up_and_runs_the_main_job(tree: Path, tmp_path: Path) -> None:
    command = blocks("bash")[0]
    assert len(command.splitlines()) == 1
    environ = os.environ | {
        "HOME": str(tmp_path / "home"),
        "DAGY_LOCAL_DIR": str(tmp_path / "runs"),
    }
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=tree,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("Result: weather-report/report.md\n")
    assert (tree / "weather-report/report.md").is_file()
    assert (tree / "weather-report/chart.svg").is_file()


def test_the_second_line_is_what_the_continuous_integration_runs() -> None:
    command = blocks("bash")[1].strip()
    assert command == "python3 tools/check.py"
    assert "tools/check.py" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_commands_print_what_the_readme_shows(
    tree: Path, cli: Environment, environ: dict[str, str]
) -> None:
    (tree / "etl.py").write_text(blocks("python")[0])
    environ |= {
        "PATH": f"{cli.dagy.parent}:{os.environ['PATH']}",
        "NO_COLOR": "1",
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    actual_ids: dict[str, str] = {}
    compared = 0
    for block in blocks("console"):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            line = command
            for written, actual in actual_ids.items():
                line = line.replace(written, actual)
            code, printed = on_terminal(["bash", "-c", line], cwd=tree, env=environ, columns=90)
            assert code == 0, printed
            if shown:
                assert shape(printed) == shape(shown), command
                compared += 1
            if command.startswith("dagy run "):
                pattern = r"Run (\w{12}) \(local\)"
                actual_ids[re.findall(pattern, shown)[0]] = re.findall(pattern, printed)[0]
    assert compared >= 5
