"""Removing what is too old: rows first, then files. What a crash leaves, the next one takes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dagy_store._check import RUNS, orphans
from dagy_store._database import Database
from dagy_store._file_lock import LONGEST_WAIT_SECONDS
from dagy_store._rows import to_microseconds

_TASKS_AT_A_TIME = 4_000
_LEAST_FREE_FRACTION = 0.2

ENDED = """
SELECT run_id FROM (
    SELECT
        run_id, status, created_at,
        row_number() OVER (PARTITION BY flow_name ORDER BY created_at DESC, run_id DESC) AS place
    FROM runs
)
WHERE created_at < ? AND place > ? AND status NOT IN ('QUEUED', 'RUNNING')
ORDER BY created_at, run_id
"""

BUILDS_ON = """
SELECT DISTINCT run_id, origin_run_id AS origin FROM task_runs WHERE origin_run_id IS NOT NULL
UNION SELECT run_id, resumed_from FROM runs WHERE resumed_from IS NOT NULL
"""

TASK_COUNT = "SELECT count(*) FROM task_runs WHERE run_id = ?"

_UNDER_WAY = "SELECT 1 FROM runs WHERE status IN ('QUEUED', 'RUNNING') LIMIT 1"

_FORGET_CACHED = "DELETE FROM cache WHERE run_id = ?"
_FORGET_TASKS = "DELETE FROM task_runs WHERE run_id = ?"
_FORGET_RUN = "DELETE FROM runs WHERE run_id = ?"
_FORGET_SPECS = "DELETE FROM flow_specs WHERE content_hash NOT IN (SELECT spec_hash FROM runs)"


def old_runs(database: Database, *, before: datetime, keep_last: int) -> list[str]:
    """Return the runs that may be removed, the newest of those that build on another first."""
    found = [row["run_id"] for row in database.rows(ENDED, (to_microseconds(before), keep_last))]
    origins: dict[str, set[str]] = {}
    for row in database.rows(BUILDS_ON):
        origins.setdefault(row["run_id"], set()).add(row["origin"])
    removable = set(found)
    needed = [origin for run_id in origins if run_id not in removable for origin in origins[run_id]]
    while needed:
        run_id = needed.pop()
        if run_id in removable:
            removable.discard(run_id)
            needed.extend(origins.get(run_id, ()))
    return [run_id for run_id in found if run_id in removable]


def remove_runs(
    database: Database,
    directory: Path,
    run_ids: Sequence[str],
    *,
    sleep: Callable[[float], None],
) -> set[str]:
    """Remove runs, and return which: not those that somebody builds on by now."""
    removed: set[str] = set()
    # Whoever builds on a run is newer: the newest first, so that nothing is in the way.
    for group in _groups(database, run_ids[::-1]):
        gone: list[str] = []
        with database.transaction(is_final=False) as connection:
            gone.extend(run_id for run_id in group if _remove(connection, run_id))
        for run_id in gone:
            for parent in ("runs", "artifacts"):
                shutil.rmtree(directory / parent / run_id, ignore_errors=True)
        removed.update(gone)
        sleep(LONGEST_WAIT_SECONDS)  # whoever waits to write looks again before that
    with database.transaction() as connection:
        connection.execute(_FORGET_SPECS)
    return removed


def remove_orphans(
    database: Database,
    directory: Path,
    *,
    before: datetime,
    is_alive: Callable[[str], bool],
    is_dry_run: bool,
) -> list[Path]:
    """Remove the directories of runs that are not recorded, and return which.

    One that has just been made may be of a run that is about to be recorded.
    """
    runs = {row["run_id"] for row in database.rows(RUNS)}
    found = [
        path
        for path in orphans(directory, runs)
        if path.stat().st_mtime < before.timestamp() and not is_alive(path.name)
    ]
    if not is_dry_run:
        for path in found:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    return found


def shrink_if_worth_it(database: Database) -> None:
    """Make the file smaller where much of it is free, and nobody is held up by that."""
    pages = database.rows("PRAGMA page_count")[0][0]
    free = database.rows("PRAGMA freelist_count")[0][0]
    if free > _LEAST_FREE_FRACTION * pages and not database.rows(_UNDER_WAY):
        database.shrink()


def _groups(database: Database, run_ids: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    tasks = 0
    for run_id in run_ids:
        group.append(run_id)
        tasks += 1 + database.rows(TASK_COUNT, (run_id,))[0][0]
        if tasks >= _TASKS_AT_A_TIME:
            yield group
            group, tasks = [], 0
    if group:
        yield group


def _remove(connection: sqlite3.Connection, run_id: str) -> bool:
    connection.execute("SAVEPOINT one_run")
    with suppress(sqlite3.IntegrityError):  # a run that builds on it has begun meanwhile
        for statement in (_FORGET_CACHED, _FORGET_TASKS, _FORGET_RUN):
            connection.execute(statement, (run_id,))
        connection.execute("RELEASE one_run")
        return True
    connection.execute("ROLLBACK TO one_run")
    connection.execute("RELEASE one_run")
    return False
