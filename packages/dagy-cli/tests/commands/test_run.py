from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import RunStatus, TaskStatus


def test_a_run_shows_its_tasks_its_outcome_and_its_result(
    dagy: Callable[..., Any], flow_file: Path
) -> None:
    ended = dagy("run", f"{flow_file}:good", "--param", "number=4")
    assert ended.code == 0
    title, one, two, outcome, result = ended.out.splitlines()
    assert title.split() == ["TASK", "STATUS", "ATTEMPT", "DURATION"]
    assert one.startswith("one   SUCCEEDED  1")
    assert two.startswith("two   SUCCEEDED  1")
    assert re.fullmatch(r"Run \w+ SUCCEEDED in .*: 2 of 2 tasks succeeded\.", outcome)
    assert result == "Result: 5"


def test_the_first_words_are_the_id_of_the_run_and_that_it_is_local(
    dagy: Callable[..., Any], flow_file: Path, local_dir: Path
) -> None:
    ended = dagy("run", f"{flow_file}:good")
    with LocalMetadataStore(local_dir) as store:
        (run,) = store.list_runs(limit=2)
    assert ended.err.splitlines() == [
        f"Run {run.run_id} (local): good from {flow_file}",
        "one is printing",
    ]


def test_quiet_leaves_only_the_answer(dagy: Callable[..., Any], flow_file: Path) -> None:
    assert dagy("run", f"{flow_file}:good", "--quiet").err == ""


@pytest.mark.parametrize("way", ["flag", "environment"])
def test_verbose_shows_log_lines(
    way: str, dagy: Callable[..., Any], flow_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "environment":
        monkeypatch.setenv("DAGY_LOCAL_VERBOSE", "yes")
    words = ["--verbose"] if way == "flag" else []
    ended = dagy(*words, "run", f"{flow_file}:good", "--format", "json")
    assert any(line.endswith("INFO    one one is printing") for line in ended.err.splitlines())
    assert json.loads(ended.out)["status"] == "SUCCEEDED"


def test_a_failed_run_says_what_failed_and_where_to_look(
    dagy: Callable[..., Any], flow_file: Path
) -> None:
    ended = dagy("run", f"{flow_file}:failing", "--format", "json")
    document = json.loads(ended.out)
    assert ended.code == 10
    assert [task["status"] for task in document["tasks"]] == ["SUCCEEDED", "FAILED", "SKIPPED"]
    assert ended.err.splitlines()[-2:] == [
        "error: Task 'broken' failed: ValueError: boom",
        f"hint: See: dagy logs {document['run_id']}",
    ]


def test_parameters_come_from_a_file_and_the_command_line_beats_it(
    dagy: Callable[..., Any], flow_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"number": 40}')
    words = ["run", f"{flow_file}:good", "--params", str(file)]
    assert dagy(*words).out.endswith("Result: 41\n")
    assert dagy(*words, "--param", "number=7").out.endswith("Result: 8\n")


@pytest.mark.parametrize(
    ("target", "words", "code"),
    [
        ("absent.py", [], 5),
        ("flows.py:nope", [], 5),
        ("flows.py", [], 2),
        ("flows:good", [], 2),
        ("flows.py:good", ["--param", "number=x"], 2),
        ("flows.py:good", ["--param", "number"], 2),
        ("flows.py:good", ["--param", "number=1", "--param", "number=2"], 2),
        ("flows.py:good", ["--max-workers", "0"], 2),
        ("flows.py:good", ["--executor", "clouds"], 2),
        ("raises.py", [], 2),
    ],
)
def test_bad_input_is_three_lines_at_most_and_records_nothing(
    target: str,
    words: list[str],
    code: int,
    dagy: Callable[..., Any],
    flow_file: Path,
    local_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(flow_file.parent)
    (flow_file.parent / "raises.py").write_text("1 / 0")
    ended = dagy("run", target, *words)
    assert (ended.code, ended.out) == (code, "")
    assert 1 <= len(ended.err.splitlines()) <= 3
    assert "Traceback" not in ended.err
    assert not local_dir.exists()


def test_nothing_that_a_flow_prints_reaches_stdout(
    process: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "loud.py"
    file.write_text(
        "import os, subprocess, sys\n"
        "from dagy import flow, task\n"
        "print('import')\n"
        "sys.__stdout__.write('past the redirection')\n"
        "@task\n"
        "def loud():\n"
        "    print('task')\n"
        "    os.write(1, b'descriptor')\n"
        "    subprocess.run(['echo', 'child'])\n"
        "@flow\n"
        "def noise():\n"
        "    loud()\n"
    )
    ended = process("run", str(file), "--format", "json")
    assert json.loads(ended.stdout)["status"] == "SUCCEEDED"
    for words in ("import", "past the redirection", "task", "descriptor", "child"):
        assert words in ended.stderr


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_is_recorded_and_says_so(
    signal_number: int,
    code: int,
    waiting_flow: Path,
    tmp_path: Path,
    local_dir: Path,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
    wait_for: Callable[[Callable[[], Any]], None],
) -> None:
    until = tmp_path / "go"
    command = command_line("run", str(waiting_flow), "--param", f"until={until}")
    running = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(Path(f"{until}.started").exists)
    running.send_signal(signal_number)
    with LocalMetadataStore(local_dir) as store:
        (run,) = store.list_runs(limit=2)
        # What had not started is cancelled while the first task still runs.
        wait_for(lambda: store.list_task_runs(run.run_id)[1].status is TaskStatus.CANCELLED)
        until.touch()
        out, err = running.communicate(timeout=30)
        assert store.get_run(run.run_id).status is RunStatus.CANCELLED
    assert (running.returncode, out) == (code, "")
    _, warning, *outcome = err.splitlines()
    assert warning.endswith("Interrupt again to stop now.")
    assert outcome == [
        f"Run {run.run_id} is recorded as CANCELLED.",
        f"See: dagy runs show {run.run_id}",
    ]


@pytest.mark.parametrize("color", ["auto", "never"])
def test_progress_is_drawn_on_a_terminal_that_may_be_redrawn(
    color: str,
    waiting_flow: Path,
    tmp_path: Path,
    on_terminal: Callable[..., bytes],
) -> None:
    until = tmp_path / "go"
    words = ["run", str(waiting_flow), "--param", f"until={until}", "--color", color]

    def go_on(seen: bytes) -> None:
        if color == "never" or (b"0/2 tasks" in seen and b": waits" in seen):
            until.touch()

    seen = on_terminal(*words, when=go_on)
    assert (b"\x1b[2K" in seen) is (color == "auto")
    if color == "auto":
        assert seen.endswith(b"\r\x1b[2K")  # nothing is left behind


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_the_executor_can_be_chosen(
    executor: str, dagy: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "where.py"
    file.write_text(
        "import os\n"
        "from dagy import flow, task\n"
        "@task\n"
        "def process() -> int:\n"
        "    return os.getpid()\n"
        "@flow\n"
        "def where() -> int:\n"
        "    return process()\n"
    )
    ended = dagy("run", str(file), "--executor", executor)
    assert ended.code == 0
    is_here = ended.out.endswith(f"Result: {os.getpid()}\n")
    assert is_here is (executor == "threads")


def test_children_of_a_mapped_task_are_counted_and_collapsed(
    dagy: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "fan.py"
    file.write_text(
        "from dagy import flow, task\n"
        "@task\n"
        "def double(number: int) -> int:\n"
        "    return 2 * number\n"
        "@flow\n"
        "def fan() -> list[int]:\n"
        "    return double.map(list(range(100)))\n"
    )
    ended = dagy("run", str(file))
    assert ended.code == 0
    title, double, more, outcome, _ = ended.out.splitlines()
    assert title.split() == ["TASK", "STATUS", "ATTEMPT", "DURATION", "NOTE"]
    assert double.endswith("100/100 done")
    assert more.startswith("100 more tasks: dagy runs show ")
    assert outcome.endswith("101 of 101 tasks succeeded.")
