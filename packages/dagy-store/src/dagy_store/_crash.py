"""Recording the end of a run whose process ended without doing so."""

from __future__ import annotations

import sqlite3

CRASH_MESSAGE = "The process that ran it ended without recording an end."

_LAST_SIGN_OF_LIFE = """
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
    last = connection.execute(_LAST_SIGN_OF_LIFE, (run_id,)).fetchone()
    if last is not None:
        connection.execute(_END_TASKS, (last["at"], CRASH_MESSAGE, run_id))
        connection.execute(_END_RUN, (last["at"], CRASH_MESSAGE, run_id))
