"""Runs that are killed at any moment, and resumed by the installed command."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installed import FLOWS, Dagy

FLOW = f"{FLOWS / 'journal.py'}:journaled"
TASKS = 38  # those of the flow, and the children of its map
RESULT = f"Result: {[31] * 5 + [191]}\n"
PATIENCE_SECONDS = 60  # only a test that fails waits for so long


class Journal:
    """What the tasks of a flow say when they start."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[list[str]]:
        if not self.path.exists():
            return []
        return [line.split() for line in self.path.read_text().splitlines()]

    @property
    def task_ids(self) -> list[str]:
        return [line[0] for line in self.lines]

    @property
    def processes(self) -> set[int]:
        return {int(process) for line in self.lines for process in line[1:]}


@pytest.fixture
def journal(dagy: Dagy) -> Journal:
    return Journal(dagy.directory / "journal")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def kill_after(count: int, process: subprocess.Popen[str], journal: Journal) -> None:
    """Kill a command and its process group once so many tasks have started, or it has ended."""
    with process:
        wait_until(lambda: len(journal.lines) >= count or process.poll() is not None)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def newest_run(dagy: Dagy) -> dict[str, Any]:
    run: dict[str, Any] = dagy.json("runs", "list", "--limit", "1")[0]
    return run


def committed(dagy: Dagy, run_id: str) -> set[str]:
    tasks = dagy.json("runs", "show", run_id)["tasks"]
    return {each["task_id"] for each in tasks if each["status"] == "SUCCEEDED"}


def command_for(journal: Journal, earlier: str | None, *options: str) -> list[str]:
    if earlier is None:
        return ["run", FLOW, "--param", f"journal={journal.path}", *options]
    return ["runs", "resume", earlier, *options]


def kill_and_resume(dagy: Dagy, journal: Journal, kills: list[int], *options: str) -> str:
    """Run the flow, kill it after so many more tasks, resume it, and so on; return the last run.

    Checks after each kill that the record tells of a crash, and in the end that no task ran again
    whose success was recorded before.
    """
    run_id: str | None = None
    killed: list[tuple[set[str], int]] = []  # what was committed, and how long the journal was
    for more in kills:
        count = len(journal.lines) + more
        kill_after(count, dagy.start(*command_for(journal, run_id, *options)), journal)
        run = newest_run(dagy)
        if run["status"] == "SUCCEEDED":  # it was done before the kill
            break
        assert (run["status"], run["reason"]) == ("FAILED", "crashed")
        assert run["resumed_from"] == run_id
        run_id = run["run_id"]
        wait_until(lambda: all(map(is_gone, processes_of(journal, options))))
        killed.append((committed(dagy, run["run_id"]), len(journal.lines)))
        assert dagy("runs", "watch", run["run_id"]).returncode == 13
    if run_id is not None and newest_run(dagy)["status"] != "SUCCEEDED":
        ended = dagy("runs", "resume", run_id, *options)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.endswith(RESULT)
    for done, length in killed:
        assert not done.intersection(journal.task_ids[length:])
    final = newest_run(dagy)
    assert final["status"] == "SUCCEEDED"
    assert len(committed(dagy, final["run_id"])) == TASKS
    return str(final["run_id"])


def processes_of(journal: Journal, options: tuple[str, ...]) -> set[int]:
    """Return the processes in which tasks ran, apart from those of the tests themselves."""
    return journal.processes - {os.getpid()} if "processes" in options else set()


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return True
    except FileNotFoundError:  # macOS has no such files
        return False
    return state == "Z"  # dead; in a container perhaps nobody asks for its exit status


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_run_is_resumed_and_no_committed_task_runs_again(
    dagy: Dagy, journal: Journal, seed: int
) -> None:
    chance = random.Random(seed)
    kill_and_resume(dagy, journal, [chance.randrange(1, 16) for _ in range(3)])


def test_a_killed_run_in_processes_leaves_none_behind_and_is_resumed(
    dagy: Dagy, journal: Journal
) -> None:
    kill_and_resume(dagy, journal, [9, 12], "--executor", "processes")


def test_a_killed_run_can_be_replayed_and_compared(dagy: Dagy, journal: Journal) -> None:
    last = kill_and_resume(dagy, journal, [12])
    first = dagy.json("runs", "show", last)["resumed_from"]
    replayed = dagy("replay", first, "--task", "top0", "--format", "json")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["value"] == 1
    again = dagy("replay", last, "--task", "item[7]", "--format", "json")
    assert json.loads(again.stdout)["value"] == 7
    compared = dagy("runs", "diff", first, last)
    assert compared.returncode == 8, compared.stderr
    assert "total" in compared.stdout
