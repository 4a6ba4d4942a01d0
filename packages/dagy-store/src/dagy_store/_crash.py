"""The end of a run whose process ended without recording one."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from dagy_store._database import Database
from dagy_store._rows import to_time
from dagy_types import FailureReason, Run, RunStatus, TaskRun, TaskStatus

CRASH_MESSAGE = "The process that ran it ended without recording an end."

LAST_SIGN_OF_LIFE = """
SELECT max(
    created_at,
    ifnull(started_at, created_at),
    ifnull(
        (SELECT max(max(ifnull(started_at, ended_at), ifnull(ended_at, started_at)))
         FROM task_runs WHERE task_runs.run_id = runs.run_id),
        created_at
    )
) AS at
FROM runs WHERE run_id = ? AND status IN ('QUEUED', 'RUNNING')
"""

_END_TASKS = """
UPDATE task_runs SET status = 'FAILED', ended_at = ?, error = ?
WHERE run_id = ? AND status = 'RUNNING'
"""

_END_RUN = """
UPDATE runs SET status = 'FAILED', reason = 'crashed', ended_at = ?, error = ? WHERE run_id = ?
"""


def record_crash(connection: sqlite3.Connection, run_id: str) -> None:
    """End a run as crashed, at its last sign of life, unless its end is recorded by now."""
    last = connection.execute(LAST_SIGN_OF_LIFE, (run_id,)).fetchone()
    if last is not None:
        connection.execute(_END_TASKS, (last["at"], CRASH_MESSAGE, run_id))
        connection.execute(_END_RUN, (last["at"], CRASH_MESSAGE, run_id))


def last_sign_of_life(database: Database, run_id: str) -> datetime | None:
    """Return when a run that crashed ended; ``None`` when its end is recorded by now."""
    rows = database.rows(LAST_SIGN_OF_LIFE, (run_id,))
    return to_time(rows[0]["at"]) if rows else None


def crashed_run(run: Run, at: datetime) -> Run:
    """Return the run as `record_crash` would leave it."""
    return replace(
        run,
        status=RunStatus.FAILED,
        reason=FailureReason.CRASHED,
        error=CRASH_MESSAGE,
        ended_at=at,
    )


def crashed_task(task: TaskRun, at: datetime) -> TaskRun:
    """Return a task of a crashed run as `record_crash` would leave it."""
    if task.status is not TaskStatus.RUNNING:
        return task
    return replace(task, status=TaskStatus.FAILED, error=CRASH_MESSAGE, ended_at=at)
