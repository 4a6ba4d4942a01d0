from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, RunStatus


@dataclass
class Live:
    """A run in a process of its own; ``go`` lets its first task end."""

    run_id: str
    process: subprocess.Popen[str]
    until: Path

    def go(self) -> None:
        self.until.touch()


@pytest.fixture
def live(
    waiting_flow: Path,
    tmp_path: Path,
    local_dir: Path,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
    wait_for: Callable[[Callable[[], Any]], None],
) -> Live:
    until = tmp_path / "go"
    command = command_line("run", str(waiting_flow), "--param", f"until={until}")
    process = spawn(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(Path(f"{until}.started").exists)
    with LocalMetadataStore(local_dir) as store:
        (run,) = store.list_runs(limit=2)
    return Live(run.run_id, process, until)


@pytest.fixture
def watch(
    live: Live,
    command_line: Callable[..., list[str]],
    spawn: Callable[..., subprocess.Popen[str]],
) -> Callable[..., subprocess.Popen[str]]:
    """Watch the run in a process of its own, once that has said so."""

    def start(*words: str) -> subprocess.Popen[str]:
        command = command_line("runs", "watch", live.run_id, *words)
        watching = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert watching.stderr is not None
        assert watching.stderr.readline() == f"Run {live.run_id} (local): waiting\n"
        return watching

    return start


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (RunStatus.SUCCEEDED, None, 0),
        (RunStatus.FAILED, None, 10),
        (RunStatus.CANCELLED, None, 11),
        (RunStatus.FAILED, FailureReason.TIMED_OUT, 12),
        (RunStatus.FAILED, FailureReason.CRASHED, 13),
    ],
)
def test_a_run_that_has_ended_gives_its_outcome_as_the_exit_code(
    status: RunStatus,
    reason: FailureReason | None,
    code: int,
    dagy: Callable[..., Any],
    add_run: Callable[..., str],
) -> None:
    run_id = add_run(status=status, reason=reason)
    ended = dagy("runs", "watch", run_id, "--format", "json")
    assert ended.code == code
    assert json.loads(ended.out)["status"] == status
    told = f"error: Task 'report' failed: Boom\nhint: See: dagy logs {run_id}\n"
    assert ended.err == (told if code else "")
    assert dagy("runs", "watch", run_id, "--no-exit-status").code == 0


def test_the_final_view_is_that_of_dagy_run(
    dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    lines = dagy("runs", "watch", add_run()).out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["TASK", "load", "report"]
    assert lines[3] == "Run run1 FAILED in 4.0 s: 1 of 2 tasks succeeded."


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nope"], 5),
        (["run1", "--timeout", "0"], 2),
        (["run1", "--timeout", "soon"], 2),
        (["run1", "--timeout", "-1"], 2),
        ([], 2),
    ],
)
def test_bad_input_is_three_lines_at_most(
    words: list[str], code: int, dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    add_run()
    ended = dagy("runs", "watch", *words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("error: ")
    assert 1 <= len(ended.err.splitlines()) <= 3


def test_a_watched_run_ends_the_watch(
    live: Live, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    watching = watch()
    live.go()
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, err) == (0, "")
    assert f"Run {live.run_id} SUCCEEDED in " in out


def test_when_the_time_is_up_the_run_goes_on_and_can_be_watched_again(
    live: Live, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    watching = watch("--timeout", "0.2", "--no-exit-status", "--format", "json")
    out, err = watching.communicate(timeout=30)
    assert watching.returncode == 124
    document = json.loads(out)
    assert [task["status"] for task in document["tasks"]] == ["RUNNING", "PENDING"]
    assert err.splitlines() == [
        f"error: Run {live.run_id} has not ended within 0.2 s. It continues.",
        f"hint: Re-attach with: dagy runs watch {live.run_id}",
    ]
    again = watch()
    live.go()
    assert again.wait(timeout=30) == 0


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopping_the_watch_leaves_the_run_alone(
    signal_number: int, code: int, live: Live, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    watching = watch()
    watching.send_signal(signal_number)
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out) == (code, "")
    assert err == f"Run {live.run_id} continues; re-attach with: dagy runs watch {live.run_id}\n"
    live.go()
    assert live.process.wait(timeout=30) == 0


def test_a_run_that_is_killed_while_it_is_watched_has_crashed(
    live: Live, watch: Callable[..., subprocess.Popen[str]]
) -> None:
    watching = watch()
    live.process.kill()
    out, err = watching.communicate(timeout=30)
    assert watching.returncode == 13
    assert f"Run {live.run_id} FAILED" in out
    assert err.startswith("error: The process that ran it ended")


@pytest.mark.parametrize("color", ["auto", "never"])
def test_progress_is_drawn_on_a_terminal_that_may_be_redrawn(
    color: str, live: Live, on_terminal: Callable[..., bytes]
) -> None:
    def go_on(seen: bytes) -> None:
        if color == "never" or (b"0/2 tasks" in seen and b": waits" in seen):
            live.go()

    seen = on_terminal("runs", "watch", live.run_id, "--color", color, when=go_on)
    assert (b"\x1b[2K" in seen) is (color == "auto")
    if color == "auto":
        assert seen.endswith(b"\r\x1b[2K")  # nothing is left behind
