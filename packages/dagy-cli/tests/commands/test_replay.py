from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore

FLOW = """
import os
from dagy import flow, task

@task
def numbers(count: int) -> list[int]:
    return list(range(count))

@task
def tenth(number: int) -> float:
    print("dividing by", number)
    os.write(1, b"descriptor")
    quotient = 10 / number
    return quotient

@task
async def leaves(values: list[int]) -> None:
    raise SystemExit(3)

@task
def never(value: None) -> None:
    pass

@flow
def shares(count: int = 3) -> None:
    values = numbers(count)
    tenth.map(values)
    never(leaves(values))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shares.py"
    path.write_text(FLOW)
    return path


@pytest.fixture
def run_id(dagy: Callable[..., Any], file: Path) -> str:
    ended = dagy("run", str(file), "--no-fail-fast", "--quiet", "--format", "json")
    assert ended.code == 10
    run_id: str = json.loads(ended.out)["run_id"]
    return run_id


def test_a_task_runs_again_on_what_it_got_then_and_nothing_is_recorded(
    dagy: Callable[..., Any], run_id: str, local_dir: Path
) -> None:
    ended = dagy("replay", run_id, "--task", "tenth[2]", "--format", "json")
    assert ended.code == 0
    assert json.loads(ended.out) == {
        "run_id": run_id,
        "task_id": "tenth[2]",
        "differences": [],
        "value": 5.0,
    }
    with LocalMetadataStore(local_dir) as store:
        assert len(store.list_runs(limit=5)) == 1


def test_people_see_the_value_and_what_the_task_did_then(
    dagy: Callable[..., Any], run_id: str
) -> None:
    ended = dagy("replay", run_id, "--task", "numbers")
    assert ended.out == "[0, 1, 2]\n"
    assert ended.err == f"Replaying task numbers of run {run_id}: then it was SUCCEEDED\n"


def test_what_a_task_prints_goes_to_stderr(process: Callable[..., Any], run_id: str) -> None:
    ended = process("replay", run_id, "--task", "tenth[1]")
    assert ended.stdout == "10.0\n"
    assert "dividing by 1" in ended.stderr
    assert "descriptor" in ended.stderr


def test_a_failure_is_told_from_the_author_s_code_on(
    dagy: Callable[..., Any], run_id: str, file: Path
) -> None:
    ended = dagy("replay", run_id, "--task", "tenth[0]")
    assert (ended.code, ended.out) == (10, "")
    lines = ended.err.splitlines()
    assert "then it was FAILED (ZeroDivisionError: division by zero)" in lines[0]
    start = lines.index("Traceback (most recent call last):")
    assert lines[start + 1].startswith(f'  File "{file}", line ')
    assert lines[-3:] == [
        "ZeroDivisionError: division by zero",
        "error: Task 'tenth[0]' failed: ZeroDivisionError: division by zero",
        "hint: See it from inside with --pdb.",
    ]


def test_a_task_that_leaves_does_not_take_the_command_with_it(
    dagy: Callable[..., Any], run_id: str, file: Path
) -> None:
    ended = dagy("replay", run_id, "--task", "leaves")
    assert (ended.code, ended.out) == (10, "")
    lines = ended.err.splitlines()
    assert lines[lines.index("Traceback (most recent call last):") + 1].startswith(
        f'  File "{file}"'
    )
    assert "error: Task 'leaves' failed: SystemExit: 3" in lines


def test_what_has_changed_since_is_told_before(
    dagy: Callable[..., Any], run_id: str, file: Path
) -> None:
    # Of another length: what Python has compiled within the same second goes by that.
    file.write_text(FLOW.replace("10 / number", "2 * 10 / number"))
    ended = dagy("replay", run_id, "--task", "tenth[2]", "--format", "json", "--quiet")
    document = json.loads(ended.out)
    assert document["value"] == 10.0
    assert ended.err.startswith("warning: The code of task 'tenth' has changed")
    assert document["differences"] == [
        line.removeprefix("warning: ") for line in ended.err.splitlines() if "warning" in line
    ]


def test_a_flow_that_has_moved_is_said_to_be_elsewhere(
    dagy: Callable[..., Any], run_id: str, file: Path, tmp_path: Path
) -> None:
    moved = file.rename(tmp_path / "moved.py")
    words = ["replay", run_id, "--task", "numbers"]
    assert dagy(*words).code == 5
    assert dagy(*words, "--flow", str(moved)).code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope", "--task", "x"], 5, "There is no run 'nope'"),
        (["RUN", "--task", "numbres"], 5, "Did you mean: numbers"),
        (["RUN", "--task", "tenth[9]"], 5, "has no task 'tenth[9]'"),
        (["RUN", "--task", "tenth"], 6, "'tenth[0]'"),
        (["RUN", "--task", "never"], 6, "'leaves' has no recorded output"),
        (["RUN"], 2, "--task"),
        (["RUN", "--task", "numbers", "--pdb"], 2, "--pdb needs a terminal"),
    ],
)
def test_bad_input_is_three_lines_at_most(
    words: list[str],
    code: int,
    message: str,
    dagy: Callable[..., Any],
    run_id: str,
) -> None:
    ended = dagy("replay", *[run_id if word == "RUN" else word for word in words])
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert 1 <= len(ended.err.splitlines()) <= 3


def test_an_input_that_cannot_be_read_is_no_failure_of_the_task(
    dagy: Callable[..., Any], file: Path, local_dir: Path
) -> None:
    ended = dagy("run", str(file), "--param", "count=5000", "--quiet", "--format", "json")
    run_id = json.loads(ended.out)["run_id"]
    for path in (local_dir / "artifacts" / run_id).rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    ended = dagy("replay", run_id, "--task", "leaves")
    assert (ended.code, ended.out) == (9, "")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("stdout", ["pipe", "terminal"])
def test_the_debugger_opens_where_the_task_raised(
    stdout: str,
    run_id: str,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    main_end, end = pty.openpty()
    answer = end if stdout == "terminal" else subprocess.PIPE
    command = command_line("replay", run_id, "--task", "tenth[0]", "--pdb")
    environ = {**os.environ, "TERM": "dumb", "COLUMNS": "80"}
    running = spawn(command, stdin=end, stdout=answer, stderr=end, env=environ)
    os.close(end)
    seen = b""
    while b"(Pdb)" not in seen:
        seen += os.read(main_end, 4096)
    os.write(main_end, b"p 'number', number + 41\n")
    while b"('number', 41)" not in seen:
        seen += os.read(main_end, 4096)
    os.write(main_end, b"quit\n")
    while b"error: Task 'tenth[0]' failed" not in seen:
        seen += os.read(main_end, 4096)
    assert running.wait(timeout=30) == 10
    os.close(main_end)
    if running.stdout is not None:
        assert running.stdout.read() == ""
