"""What can still be read of a damaged record, in a new one; what cannot is counted as lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

_SIDE_FILES = ("", "-wal")


class _Table(NamedTuple):
    name: str
    key: tuple[str, ...]


# Each after those that it refers to.
_TABLES = (
    _Table("flow_specs", ("content_hash",)),
    _Table("runs", ("run_id",)),
    _Table("task_runs", ("run_id", "task_id")),
    _Table("cache", ("key", "recorded_at", "run_id", "task_id")),
)

_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"


def salvage_rows(damaged: Path, new: Path, scratch: Path) -> tuple[dict[str, int], list[str]]:
    """Copy all rows that can be read and are whole.

    Args:
        damaged: The database; it is not touched.
        new: One that has its tables, and nothing in them.
        scratch: A directory for a copy of the first, as looking at it may write to it.

    Returns:
        How many rows of each table were saved; and what was lost, for people.
    """
    for suffix in _SIDE_FILES:
        source = damaged.with_name(damaged.name + suffix)
        if source.exists():
            shutil.copyfile(source, scratch / f"damaged.db{suffix}")
    saved: dict[str, int] = {}
    lost: list[str] = []
    with (
        closing(sqlite3.connect(scratch / "damaged.db", isolation_level=None)) as source_rows,
        closing(sqlite3.connect(new, isolation_level=None)) as target,
    ):
        source_rows.text_factory = bytes  # what is no text must not end the reading
        triggers = target.execute(_TRIGGERS).fetchall()
        target.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:  # they speak of runs that go on, not of those that are over
            target.execute(f"DROP TRIGGER {name}")
        for table in _TABLES:
            lost += _copy(table, source_rows, target)
        lost += _drop_orphans(target)
        for _, statement in triggers:
            target.execute(statement)
        for table in _TABLES:
            saved[table.name] = target.execute(
                f"SELECT count(*) FROM {table.name}"  # noqa: S608 - one of ours
            ).fetchone()[0]
        target.execute("COMMIT")
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return saved, lost


def _copy(table: _Table, source: sqlite3.Connection, target: sqlite3.Connection) -> Iterator[str]:
    """Copy a table from both ends, up to where it cannot be read from either."""
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table.name})")]
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    into = f"INTO {table.name} ({names}) VALUES ({places})"
    broken = refused = 0
    # From the other end, what is there already is no surprise.
    for direction, verb in (("ASC", "INSERT"), ("DESC", "INSERT OR IGNORE")):
        order = ", ".join(f"{column} {direction}" for column in table.key)
        select = f"SELECT {names} FROM {table.name} ORDER BY {order}"  # noqa: S608 - ours
        rows = _Readable(source, select)
        for row in rows:
            values = _whole(table, dict(zip(columns, row, strict=True)))
            if values is None or not _inserted(target, f"{verb} {into}", values):
                refused += direction == "ASC"
        broken += rows.is_broken
        if not rows.is_broken:
            break
    if broken:
        yield f"a part of {table.name} cannot be read"
    if refused:
        yield f"{refused} of {table.name} are not whole"


class _Readable:
    """The rows of a query, up to where they cannot be read; whether that was the end is told."""

    def __init__(self, connection: sqlite3.Connection, query: str) -> None:
        self._connection = connection
        self._query = query
        self.is_broken = False

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(self._query)
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            self.is_broken = True


def _whole(table: _Table, row: dict[str, Any]) -> list[Any] | None:
    """Return the values of a row, if they can be what was recorded."""
    try:
        values = {
            name: value.decode() if isinstance(value, bytes) and name != "output" else value
            for name, value in row.items()
        }
        if table.name == "flow_specs":
            is_whole = sha256(values["spec"].encode()).hexdigest() == values["content_hash"]
        elif table.name == "runs":
            is_whole = isinstance(json.loads(values["parameters"]), dict) and isinstance(
                json.loads(values["environment"]), dict
            )
        elif table.name == "task_runs":
            output = values["output"]
            is_whole = output is None or len(output) == values["output_bytes"]
        else:
            is_whole = True
    except (UnicodeDecodeError, ValueError, AttributeError, TypeError):
        return None
    return list(values.values()) if is_whole else None


def _inserted(target: sqlite3.Connection, insert: str, values: list[Any]) -> bool:
    try:
        target.execute(insert, values)
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError):
        return False
    return True


def _drop_orphans(target: sqlite3.Connection) -> Iterator[str]:
    """Remove rows that refer to what was lost, and those that refer to them, and so on."""
    dropped = 0
    while violations := target.execute("PRAGMA foreign_key_check").fetchall():
        for name in {row[0] for row in violations}:
            dropped += target.execute(_ORPHANS[name]).rowcount
    if dropped:
        yield f"{dropped} rows belong to what was lost"


_ORPHANS = {
    "runs": """
        DELETE FROM runs WHERE spec_hash NOT IN (SELECT content_hash FROM flow_specs)
        OR resumed_from NOT IN (SELECT run_id FROM runs)
    """,
    "task_runs": """
        DELETE FROM task_runs WHERE run_id NOT IN (SELECT run_id FROM runs)
        OR origin_run_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM task_runs AS made WHERE made.run_id = task_runs.origin_run_id
            AND made.task_id = task_runs.origin_task_id
        )
    """,
    "cache": """
        DELETE FROM cache WHERE NOT EXISTS (
            SELECT 1 FROM task_runs AS made
            WHERE made.run_id = cache.run_id AND made.task_id = cache.task_id
        )
    """,
}
