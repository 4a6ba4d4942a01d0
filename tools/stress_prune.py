"""Remove a million rows beside a run that is being recorded: how long does its writer wait?

    python tools/stress_prune.py --runs 1000 --tasks 1000

Needs dagy-store and what that needs. Ends with status 1 when a write took more than 100 ms
(STORE-15), or the file did not shrink, or is not sound afterwards.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

from dagy_store import LocalMetadataStore
from dagy_store.maintenance import check, prune
from dagy_types import FlowSpec, Run, RunEnd, RunStatus, TaskSpec, TaskStatus, TaskTransition

_LONGEST_WAIT_SECONDS = 0.1
_PAUSE_SECONDS = 0.001
_TASKS_AT_MOST = 20_000
_OLD = datetime(2020, 1, 1, tzinfo=timezone.utc)
_NEW = datetime(2025, 1, 1, tzinfo=timezone.utc)


def begin(store: LocalMetadataStore, run_id: str, created_at: datetime, tasks: list[str]) -> None:
    """Record the beginning of a run."""
    run = Run(
        run_id=run_id,
        flow_name="pruned",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=created_at,
        started_at=created_at,
    )
    specs = tuple(TaskSpec(task_id=each, name=each) for each in tasks)
    store.create_run(run, FlowSpec(name="pruned", tasks=specs))


def record(store: LocalMetadataStore, run_id: str, created_at: datetime, tasks: int) -> None:
    """Record a run and all its tasks."""
    ids = [f"t{number}" for number in range(tasks)]
    begin(store, run_id, created_at, ids)
    states = (TaskStatus.RUNNING, TaskStatus.SUCCEEDED)
    store.record_tasks(
        run_id, [TaskTransition(each, state, created_at, 1) for each in ids for state in states]
    )
    store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=created_at))


def longest_write(directory: Path, is_over: threading.Event) -> list[float]:
    """Record tasks one by one until the event, and return how long each took, in seconds."""
    seconds = []
    with LocalMetadataStore(directory) as store:
        begin(store, "living", _NEW, [f"t{number}" for number in range(_TASKS_AT_MOST)])
        number = 0
        while not is_over.is_set() and number < _TASKS_AT_MOST:
            transition = TaskTransition(f"t{number}", TaskStatus.SKIPPED, _NEW)
            start = time.perf_counter()
            store.record_tasks("living", [transition])
            seconds.append(time.perf_counter() - start)
            number += 1
            time.sleep(_PAUSE_SECONDS)
        store.finish_run("living", RunEnd(status=RunStatus.SUCCEEDED, ended_at=_NEW))
    return seconds


def main() -> int:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name).resolve()
        with LocalMetadataStore(directory) as store:
            for number in range(arguments.runs):
                record(store, f"r{number}", _OLD, arguments.tasks)
        before = (directory / "dagy.db").stat().st_size
        is_over, seconds = threading.Event(), []
        writer = threading.Thread(target=lambda: seconds.extend(longest_write(directory, is_over)))
        writer.start()
        start = time.perf_counter()
        removed = prune(directory, before=_NEW).run_ids
        duration = time.perf_counter() - start
        is_over.set()
        writer.join()
        prune(directory, before=_NEW)  # now that nothing is under way, the file gets smaller
        after = (directory / "dagy.db").stat().st_size
        problems = check(directory, is_full=True).problems
    print(
        f"{len(removed)} runs of {arguments.tasks} tasks removed in {duration:.1f} s;"
        f" {len(seconds)} writes meanwhile, the longest in {max(seconds) * 1e3:.1f} ms;"
        f" {before:,} bytes before, {after:,} after; {len(problems)} problems"
    )
    is_good = max(seconds) <= _LONGEST_WAIT_SECONDS and after < before / 2 and not problems
    return 0 if is_good and len(removed) == arguments.runs else 1


if __name__ == "__main__":
    sys.exit(main())
