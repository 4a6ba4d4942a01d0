"""Whether a record is sound: SQLite's own checks, and whether rows and files fit together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from dagy_store._database import Database
from dagy_store._live_run import log_path

_MOST_MESSAGES = 100

RUNS = "SELECT run_id FROM runs"

OUTPUTS_IN_FILES = """
SELECT run_id, task_id, output_bytes FROM task_runs
WHERE output IS NULL AND output_bytes IS NOT NULL
"""

OUTPUTS_IN_ROWS = """
SELECT run_id, task_id FROM task_runs WHERE output IS NOT NULL AND length(output) != output_bytes
"""

SPECS = "SELECT content_hash, spec FROM flow_specs"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        path: The file or directory.
        what: What is wrong with it, for people.
        is_of_database: Whether it is the database that is damaged.
    """

    path: Path
    what: str
    is_of_database: bool = False


def problems_of(database: Database, directory: Path, *, is_full: bool) -> Iterator[Problem]:
    """Yield what is wrong; of a database that is damaged, only that."""
    damage = list(_damage(database, is_full=is_full))
    yield from damage
    if damage:
        return
    runs = {row["run_id"] for row in database.rows(RUNS)}
    yield from _logs(directory, runs)
    yield from _output_files(database, directory)
    yield from _orphans(directory, runs)


def orphans(directory: Path, runs: set[str]) -> Iterator[Path]:
    """Yield the directories of runs that are not recorded."""
    for parent in ("runs", "artifacts"):
        place = directory / parent
        if place.is_dir():
            yield from (each for each in sorted(place.iterdir()) if each.name not in runs)


def _damage(database: Database, *, is_full: bool) -> Iterator[Problem]:
    pragma = "integrity_check" if is_full else "quick_check"
    try:
        for row in database.rows(f"PRAGMA {pragma}({_MOST_MESSAGES})"):
            if row[0] != "ok":
                yield Problem(database.path, str(row[0]), is_of_database=True)
        for row in database.rows("PRAGMA foreign_key_check"):
            what = f"a row of {row[0]} refers to one of {row[2]} that is not there"
            yield Problem(database.path, what, is_of_database=True)
        if is_full:
            yield from _contents(database)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield Problem(database.path, str(error), is_of_database=True)


def _contents(database: Database) -> Iterator[Problem]:
    for row in database.rows(OUTPUTS_IN_ROWS):
        what = f"the output of task {row['task_id']!r} of run {row['run_id']!r} is not whole"
        yield Problem(database.path, what, is_of_database=True)
    for row in database.rows(SPECS):
        if sha256(row["spec"].encode()).hexdigest() != row["content_hash"]:
            what = f"the flow {row['content_hash']} is not what was recorded"
            yield Problem(database.path, what, is_of_database=True)


def _logs(directory: Path, runs: set[str]) -> Iterator[Problem]:
    for run_id in sorted(runs):
        path = log_path(directory / "runs" / run_id)
        if not path.exists():
            yield Problem(path, f"the log of run {run_id!r} is gone")


def _output_files(database: Database, directory: Path) -> Iterator[Problem]:
    for row in database.rows(OUTPUTS_IN_FILES):
        path = directory / "artifacts" / row["run_id"] / row["task_id"] / "output"
        size = path.stat().st_size if path.exists() else None
        if size != row["output_bytes"]:
            found = "gone" if size is None else f"{size} bytes long, not {row['output_bytes']}"
            whose = f"task {row['task_id']!r} of run {row['run_id']!r}"
            yield Problem(path, f"the output of {whose} is {found}")


def _orphans(directory: Path, runs: set[str]) -> Iterator[Problem]:
    for path in orphans(directory, runs):
        yield Problem(path, f"run {path.name!r} is not recorded")
