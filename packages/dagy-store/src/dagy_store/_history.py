"""What is recorded of runs, told as it is now: a run whose process is gone has crashed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime

from dagy_store import _runs, _task_runs
from dagy_store._crash import crashed_run, crashed_task, last_sign_of_life, record_crash
from dagy_store._database import Database
from dagy_types import FlowSpec, Run, RunQuery, TaskRun, select_runs
from dagy_types.errors import StoreError


class History:
    """Reads runs, and records first which of them have crashed.

    Where that cannot be recorded (the disk is full or read-only, the store busy or newer), it is
    told all the same.

    Args:
        is_alive: Whether the process of the run with this id is there.
    """

    def __init__(self, database: Database, *, is_alive: Callable[[str], bool]) -> None:
        self._database = database
        self._is_alive = is_alive
        self._latest_spec: tuple[str, FlowSpec] | None = None

    def select(self, query: RunQuery, *, limit: int) -> list[Run]:
        """Return the runs that a query asks for.

        Raises:
            NotFoundError: When there is no such run to go on after.
        """
        crashes = self.settle()
        # Those that are no longer what is recorded may leave the list.
        runs = _runs.select(self._database, query, limit=limit + len(crashes))
        if not crashes:
            return runs
        ids = {*crashes, *(run.run_id for run in runs), *([query.after] if query.after else [])}
        as_they_are = [run for each in ids if (run := self._find(each, crashes)) is not None]
        return select_runs(query, as_they_are)[:limit]

    def run(self, run_id: str) -> Run | None:
        """Return a run, if there is one with this id."""
        return self._find(run_id, self.settle())

    def spec(self, run_id: str) -> FlowSpec | None:
        """Return the spec of a run's flow, if there is a run with this id."""
        self.settle()
        content_hash = _runs.find_spec_hash(self._database, run_id)
        if content_hash is None:
            return None
        # Whoever watches a run asks for its tasks again and again.
        latest = self._latest_spec
        if latest is None or latest[0] != content_hash:
            latest = (content_hash, _runs.read_spec(self._database, content_hash))
            self._latest_spec = latest
        return latest[1]

    def task_runs(self, run_id: str, spec: FlowSpec) -> list[TaskRun]:
        """Return all tasks of a run in the order of its flow."""
        crashed_at = self.settle().get(run_id)
        tasks = _task_runs.of_run(self._database, run_id, spec)
        return tasks if crashed_at is None else [crashed_task(task, crashed_at) for task in tasks]

    def settle(self) -> Mapping[str, datetime]:
        """Record which runs have crashed; return those that could not be recorded, and when."""
        dead = [each for each in _runs.under_way(self._database) if not self._is_alive(each)]
        if not dead:
            return {}
        try:
            with self._database.transaction() as connection:
                for run_id in dead:
                    record_crash(connection, run_id)
        except (sqlite3.OperationalError, OSError, StoreError):
            ends = {run_id: last_sign_of_life(self._database, run_id) for run_id in dead}
            return {run_id: at for run_id, at in ends.items() if at is not None}
        return {}

    def _find(self, run_id: str, crashes: Mapping[str, datetime]) -> Run | None:
        run = _runs.find(self._database, run_id)
        if run is None or run_id not in crashes:
            return run
        return crashed_run(run, crashes[run_id])
