from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Run, RunStatus, TaskSpec

FLOW = """
from pathlib import Path
from dagy import flow, task

@task
def numbers(count: int) -> list[int]:
    print("numbers are made")
    return list(range(count))

@task
def halved(number: int, directory: str) -> int:
    if number == 3 and not (Path(directory) / "mended").exists():
        raise ValueError("3 is odd")
    return number // 2

@task
def total(values: list[int]) -> int:
    return sum(values)

@flow
def sums(directory: str, count: int = 4) -> int:
    return total(halved.map(numbers(count), directory=directory))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sums.py"
    path.write_text(FLOW)
    return path


@pytest.fixture
def failed_run(dagy: Callable[..., Any], file: Path) -> str:
    """A run in which one child failed, for a reason that is gone."""
    words = ["--param", f"directory={file.parent}", "--no-fail-fast", "--format", "json"]
    ended = dagy("run", str(file), *words)
    assert ended.code == 10
    (file.parent / "mended").touch()
    run_id: str = json.loads(ended.out)["run_id"]
    return run_id


def test_a_resumed_run_runs_the_rest_and_says_what_it_took_over(
    dagy: Callable[..., Any], failed_run: str
) -> None:
    ended = dagy("runs", "resume", failed_run)
    assert ended.code == 0
    *_, outcome, result = ended.out.splitlines()
    assert "7 of 7 tasks succeeded, 4 of them without running." in outcome
    assert result == "Result: 2"
    (line,) = ended.err.splitlines()  # `numbers` prints, and did not run again
    assert line.startswith("Run ")
    assert line.endswith(f" (local): sums resumes {failed_run} (4 of 7 tasks succeeded)")
    assert f"resumed from {failed_run}" in ended.out


def test_the_new_run_is_linked_to_the_old_one(dagy: Callable[..., Any], failed_run: str) -> None:
    document = json.loads(dagy("runs", "resume", failed_run, "--format", "json").out)
    assert (document["status"], document["resumed_from"]) == ("SUCCEEDED", failed_run)
    shown = dagy("runs", "show", document["run_id"]).out
    assert f"Resumed from:  {failed_run}\n" in shown


def test_a_task_to_start_from_runs_again(dagy: Callable[..., Any], failed_run: str) -> None:
    ended = dagy("runs", "resume", failed_run, "--from", "numbers", "--quiet", "--format", "json")
    reused = [task for task in json.loads(ended.out)["tasks"] if task["origin"]]
    assert (ended.code, reused, ended.err) == (0, [], "")


def test_a_run_that_fails_again_ends_as_dagy_run_does(
    dagy: Callable[..., Any], failed_run: str, file: Path
) -> None:
    (file.parent / "mended").unlink()
    ended = dagy("runs", "resume", failed_run, "--only-failed", "--max-workers", "1")
    assert ended.code == 10
    assert "error: Task 'halved[3]' failed: ValueError: 3 is odd" in ended.err


def test_other_code_is_a_conflict_until_it_is_accepted(
    dagy: Callable[..., Any], failed_run: str, file: Path
) -> None:
    file.write_text(FLOW.replace("number // 2", "number // 2 + 0"))
    ended = dagy("runs", "resume", failed_run)
    assert (ended.code, ended.out) == (6, "")
    assert "'halved'" in ended.err
    assert "--accept-code-change" in ended.err
    assert dagy("runs", "resume", failed_run, "--accept-code-change").code == 0


def test_a_flow_that_has_moved_is_said_to_be_elsewhere(
    dagy: Callable[..., Any], failed_run: str, file: Path, tmp_path: Path
) -> None:
    moved = file.rename(tmp_path / "moved.py")
    ended = dagy("runs", "resume", failed_run)
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.splitlines() == [
        f"error: There is no file {file}, where the flow of run {failed_run} was.",
        "hint: If it has moved, say where it is with --flow PATH.py:FLOW.",
    ]
    assert dagy("runs", "resume", failed_run, "--flow", f"{moved}:sums").code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope"], 5, "There is no run 'nope'"),
        (["RUN", "--from", "toral"], 5, "Did you mean: total"),
        (["RUN", "--from", "total", "--only-failed"], 2, "not allowed with argument --from"),
        (["RUN", "--max-workers", "0"], 2, "'0' is not a whole number"),
        (["RUN", "--flow", "absent.py"], 5, "There is no file absent.py."),
        ([], 2, "RUN"),
    ],
)
def test_bad_input_is_three_lines_at_most_and_starts_nothing(
    words: list[str],
    code: int,
    message: str,
    dagy: Callable[..., Any],
    failed_run: str,
    local_dir: Path,
) -> None:
    ended = dagy("runs", "resume", *[failed_run if word == "RUN" else word for word in words])
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert 1 <= len(ended.err.splitlines()) <= 3
    with LocalMetadataStore(local_dir) as store:
        assert len(store.list_runs(limit=5)) == 1


def test_a_run_with_nothing_left_to_do_is_a_conflict(
    dagy: Callable[..., Any], flow_file: Path
) -> None:
    ended = dagy("run", f"{flow_file}:good", "--format", "json")
    run_id = json.loads(ended.out)["run_id"]
    ended = dagy("runs", "resume", run_id)
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.startswith(f"error: Run {run_id} succeeded")


def test_a_run_under_way_is_a_conflict(
    dagy: Callable[..., Any], file: Path, store: LocalMetadataStore
) -> None:
    moment = datetime(2026, 11, 1, tzinfo=timezone.utc)
    run = Run(
        run_id="live",
        flow_name="sums",
        flow_version="latest",
        status=RunStatus.RUNNING,
        created_at=moment,
        started_at=moment,
        source=f"{file}:sums",
    )
    store.create_run(run, FlowSpec(name="sums", tasks=(TaskSpec(task_id="total", name="total"),)))
    ended = dagy("runs", "resume", "live")
    assert (ended.code, ended.out) == (6, "")
    assert ended.err.startswith("error: Run live is RUNNING")


def test_a_resumed_run_that_is_stopped_is_recorded_and_says_so(
    dagy: Callable[..., Any],
    waiting_flow: Path,
    tmp_path: Path,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
    wait_for: Callable[[Callable[[], Any]], None],
) -> None:
    until = tmp_path / "go"
    waiting_flow.write_text(
        waiting_flow.read_text().replace("pass", "assert Path(until + '.mended').exists()")
    )
    until.touch()
    ended = dagy("run", str(waiting_flow), "--param", f"until={until}", "--format", "json")
    run_id = json.loads(ended.out)["run_id"]
    for path in (until, Path(f"{until}.started")):
        path.unlink()
    command = command_line("runs", "resume", run_id, "--from", "waits")
    running = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(Path(f"{until}.started").exists)
    running.send_signal(signal.SIGTERM)
    until.touch()
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (143, "")
    assert "is recorded as CANCELLED." in err


def test_progress_is_drawn_on_a_terminal(
    failed_run: str, on_terminal: Callable[..., bytes]
) -> None:
    seen = on_terminal("runs", "resume", failed_run, when=lambda _: None)
    assert f"resumes {failed_run}".encode() in seen
    assert seen.endswith(b"\r\x1b[2K")  # nothing is left behind
