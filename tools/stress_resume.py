"""Kill a run at a random moment and resume it, again and again, until it succeeds (ORCH-06).

    python tools/stress_resume.py --rounds 200 --executor processes

After each kill the run must be shown as crashed, hold all that it or those before it had done, and
have started nothing whose upstream is not recorded. No task may run again whose success was
recorded. In the end the result must be that of an undisturbed run. Needs dagy and the standard
library.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagy import flow, task
from dagy.local import LocalLogger, resume_flow, run_flow
from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, Run, RunStatus, TaskRun, TaskStatus, mapped_position

WIDTH = 6
ITEMS = 60
_MOST_KILLS = 6
_MOST_STARTS = 60  # before a kill; nearly as many as there are tasks
_LONGEST_SPIN = 100_000  # turns of a loop: some milliseconds
_EXPECTED = sum(range(ITEMS)) + WIDTH * (WIDTH + 1)
_END = "end"
_journal = -1  # the pipe in which tasks say that they start; set in the process that is killed


def _note(line: str) -> None:
    os.write(_journal, f"{line}\n".encode())


@task
def step(task_id: str, upstream: list[int]) -> int:
    _note(task_id)
    return 1 + sum(upstream)


@task
def numbers(size: int) -> list[int]:
    _note("numbers")
    return list(range(size))


@task
def item(number: int) -> int:
    _note(f"item[{number}]")
    return number


@task
def total(items: list[int], layer: list[int]) -> int:
    _note("total")
    return sum(items) + sum(layer)


@flow
def stressed() -> Any:
    """Two layers, a map that needs the first, and a sum of it all."""

    def layer(name: str, above: list[int]) -> list[int]:
        names = [f"{name}{number}" for number in range(WIDTH)]
        return [step.with_options(name=each)(each, above) for each in names]

    first = layer("first", [])
    items = item.map(numbers.with_options(after=first)(ITEMS))
    return total(items, layer("second", first))


def stress(directory: Path, *, rounds: int, seed: int, executor: str) -> tuple[int, list[str]]:
    """Return how many runs were killed, and what went wrong."""
    chance = random.Random(seed)
    killed = 0
    problems: list[str] = []
    for number in range(rounds):
        story = _Story(directory / str(number), executor)
        while not story.is_over and len(story.problems) == 0:
            story.go_on(chance if story.kills < _MOST_KILLS else None)
        killed += story.kills
        problems.extend(f"round {number}: {each}" for each in story.problems)
    return killed, problems


def main() -> int:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--executor", choices=["threads", "processes"], default="threads")
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        killed, problems = stress(
            Path(directory),
            rounds=arguments.rounds,
            seed=arguments.seed,
            executor=arguments.executor,
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"{arguments.rounds} rounds in {arguments.executor}, seed {arguments.seed}: "
        f"{killed} kills, {len(problems)} problems, {time.monotonic() - begin:.1f} s"
    )
    return 1 if problems else 0


@dataclass
class _Story:
    """One flow that is run, killed and resumed."""

    directory: Path
    executor: str
    kills: int = 0
    is_over: bool = False
    problems: list[str] = field(default_factory=list)
    _run_id: str | None = None  # the one to resume
    _committed: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)  # run ids

    def go_on(self, chance: random.Random | None) -> None:
        """Run or resume, kill that unless nobody says when, and look at what is recorded."""
        lines, was_killed = self._perform(chance)
        self.kills += was_killed
        started = [line for line in lines if not line.startswith(_END)]
        self._require_new_only(started)
        with LocalMetadataStore(self.directory) as store:
            run = next((each for each in store.list_runs(limit=999) if self._is_new(each)), None)
            if run is None:
                self._require(not started, "tasks ran though no run is recorded")
                return
            self._known.add(run.run_id)
            tasks = {each.task_id: each for each in store.list_task_runs(run.run_id)}
        self._look_at(run, tasks, started)
        if run.status is RunStatus.SUCCEEDED:
            self.is_over = True
            ends = [line for line in lines if line.startswith(_END)]
            self._require(was_killed or ends == [f"{_END} {_EXPECTED}"], f"the result is {ends}")

    def _perform(self, chance: random.Random | None) -> tuple[list[str], bool]:
        """Return what the tasks said, and whether the run was killed."""
        reading, writing = os.pipe()
        child = _fork(self.directory, self._run_id, self.executor, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            lines: list[str] = []
            if chance is not None:
                count = chance.randrange(_MOST_STARTS)
                lines.extend(pipe.readline().strip() for _ in range(count))
                for _ in range(chance.randrange(_LONGEST_SPIN)):  # a moment between two tasks
                    pass
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            # To the end: until no process is left that could write.
            lines.extend(line.strip() for line in pipe)
        was_killed = os.WIFSIGNALED(status)
        self._require(was_killed or os.WEXITSTATUS(status) == 0, "the run ended with an error")
        return [line for line in lines if line], was_killed

    def _is_new(self, run: Run) -> bool:
        return run.run_id not in self._known

    def _look_at(self, run: Run, tasks: dict[str, TaskRun], started: list[str]) -> None:
        is_crashed = (run.status, run.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
        self._require(
            is_crashed or run.status is RunStatus.SUCCEEDED, f"a killed run is {run.status}"
        )
        running = [each for each, of in tasks.items() if of.status is TaskStatus.RUNNING]
        self._require(not running, f"{running} run in a run that has ended")
        committed = {each for each, of in tasks.items() if of.status is TaskStatus.SUCCEEDED}
        for task_id in started:
            position = mapped_position(task_id)
            needed = tasks[position[0] if position else task_id].depends_on
            missing = [each for each in needed if each not in committed]
            self._require(not missing, f"{task_id} started before {missing} were recorded")
        if run.resumed_from and all(of.status is TaskStatus.PENDING for of in tasks.values()):
            return  # it died before it took over anything: the one before is resumed again
        lost = self._committed - committed
        self._require(not lost, f"{sorted(lost)} were done and are not taken over")
        self._committed |= committed
        self._run_id = run.run_id

    def _require_new_only(self, started: list[str]) -> None:
        again = self._committed.intersection(started)
        self._require(not again, f"{sorted(again)} ran again though their success was recorded")
        twice = [each for each, count in Counter(started).items() if count > 1]
        self._require(not twice, f"{twice} ran twice in one run")

    def _require(self, holds: object, what: str) -> None:
        if not holds:
            self.problems.append(what)


def _fork(directory: Path, run_id: str | None, executor: str, pipe: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _perform_flow(directory, run_id, executor, pipe)
    except BaseException:  # told as a problem; the text is for whoever looks into it
        traceback.print_exc()
    finally:
        os._exit(1)


def _perform_flow(directory: Path, run_id: str | None, executor: str, pipe: int) -> None:
    global _journal
    _journal = pipe
    quiet = LocalLogger(quiet=True)
    with LocalMetadataStore(directory) as store:
        if run_id is None:
            ended = run_flow(stressed, {}, recorder=store, logger=quiet, executor=executor)
        else:
            ended = resume_flow(
                stressed, run_id, reader=store, recorder=store, logger=quiet, executor=executor
            )
    _note(f"{_END} {ended.result()}")
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
