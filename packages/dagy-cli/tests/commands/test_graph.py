from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dagy_cli.commands.graph import FORMATS

LOUD_FLOW = """
from dagy import flow, task
print("import")

@task
def step(number):
    raise RuntimeError("a task was run")

@flow
def chain(length: int) -> None:
    print("body")
    last = 0
    for _ in range(length):
        last = step(last)
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    path = tmp_path / "chain.py"
    path.write_text(LOUD_FLOW)
    return path


def test_the_graph_is_listed_for_people_and_nothing_is_run_or_recorded(
    dagy: Callable[..., Any], chain: Path, local_dir: Path
) -> None:
    ended = dagy("graph", str(chain), "--param", "length=2")
    assert ended.code == 0
    assert ended.out == (
        "chain (version latest): 2 tasks in 2 layers\n\n"
        "Layer 1 (1 task)\n  step\n\n"
        "Layer 2 (1 task)\n  step-2  ← step\n"
    )
    assert not local_dir.exists()


def test_what_the_flow_prints_goes_to_stderr(process: Callable[..., Any], chain: Path) -> None:
    ended = process("graph", str(chain), "--param", "length=1", "--format", "json")
    assert [task["task_id"] for task in json.loads(ended.stdout)["tasks"]] == ["step"]
    assert ended.stderr.splitlines() == ["import", "body"]


def test_parameters_may_come_from_a_file(
    dagy: Callable[..., Any], chain: Path, tmp_path: Path
) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"length": 3}')
    ended = dagy("graph", str(chain), "--params", str(file), "--format", "mermaid")
    assert ended.out.count("-->") == 2


@pytest.mark.parametrize("output_format", FORMATS)
def test_every_format_goes_through_a_pipe_that_takes_only_ascii(
    output_format: str, process: Callable[..., Any], flow_file: Path
) -> None:
    flow_file.write_text(
        flow_file.read_text().replace("@task\ndef two", "@task(name='流')\ndef two")
    )
    words = ["graph", f"{flow_file}:good", "--format", output_format]
    ended = process(*words, environ={"PYTHONIOENCODING": "ascii", "FORCE_COLOR": "1"})
    assert ended.returncode == 0
    assert ended.stdout.isascii()
    assert "\x1b" not in ended.stdout
    assert "one" in ended.stdout


def test_svg_is_one_document(dagy: Callable[..., Any], flow_file: Path) -> None:
    ended = dagy("graph", f"{flow_file}:good", "--format", "svg")
    assert ElementTree.fromstring(ended.out).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("target", "words", "code"),
    [
        ("absent.py", [], 5),
        ("flows.py:nope", [], 5),
        ("flows.py", [], 2),
        ("chain.py", [], 2),
        ("chain.py", ["--param", "length=x"], 2),
        ("chain.py", ["--params", "absent.json"], 5),
        ("flows.py:good", ["--format", "table"], 2),
        ("broken.py", [], 2),
    ],
)
def test_bad_input_is_three_lines_at_most(
    target: str,
    words: list[str],
    code: int,
    dagy: Callable[..., Any],
    flow_file: Path,
    chain: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(flow_file.parent)
    chain.write_text(LOUD_FLOW.replace("print", "str"))
    (flow_file.parent / "broken.py").write_text(
        "from dagy import flow\n@flow\ndef broken():\n    1 / 0\n"
    )
    ended = dagy("graph", target, *words)
    assert (ended.code, ended.out) == (code, "")
    assert 1 <= len(ended.err.splitlines()) <= 3
    assert "Traceback" not in ended.err


def test_a_reader_that_leaves_early_is_no_failure(
    chain: Path,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    command = command_line("graph", str(chain), "--param", "length=20000")
    graph = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert graph.stdout is not None and graph.stderr is not None
    assert graph.stdout.readline() == "chain (version latest): 20000 tasks in 20000 layers\n"
    graph.stdout.close()
    assert graph.stderr.read() == "import\nbody\n"
    assert graph.wait(timeout=30) == 0
