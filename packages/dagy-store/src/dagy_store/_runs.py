"""The rows of runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from dagy_store._database import Database
from dagy_store._failures import damaged
from dagy_store._rows import (
    to_microseconds,
    to_optional_time,
    to_text,
    to_time,
)
from dagy_types import (
    RUN_TRANSITIONS,
    FailureReason,
    FlowSpec,
    Run,
    RunEnd,
    RunQuery,
    RunStatus,
    flow_spec_from_json,
    flow_spec_to_json,
    no_place_after,
)
from dagy_types.errors import ConflictError, FlowDefinitionError, NotFoundError, UsageError

_INSERT_SPEC = "INSERT INTO flow_specs (content_hash, spec) VALUES (?, ?) ON CONFLICT DO NOTHING"

_INSERT = """
INSERT INTO runs (
    run_id, flow_name, flow_version, spec_hash, status, reason, error, parameters,
    environment, source, resumed_from, created_at, started_at, ended_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_END = "UPDATE runs SET status = ?, reason = ?, error = ?, ended_at = ? WHERE run_id = ?"

_STATUS = "SELECT status FROM runs WHERE run_id = ?"

FIND = "SELECT * FROM runs WHERE run_id = ?"

RESUMING = """
SELECT run_id FROM runs
WHERE resumed_from = ? AND status IN ('QUEUED', 'RUNNING')
"""

SPEC_HASH = "SELECT spec_hash FROM runs WHERE run_id = ?"

SPEC = "SELECT spec FROM flow_specs WHERE content_hash = ?"

UNDER_WAY = "SELECT run_id FROM runs WHERE status IN ('QUEUED', 'RUNNING')"

PLACES = "SELECT created_at, started_at FROM runs WHERE run_id = ?"

_MOST = 2**63 - 1

_BEHIND_ALL_IDS = "\U0010ffff"


def insert(connection: sqlite3.Connection, run: Run, spec: FlowSpec) -> None:
    """Add a run and, where it is new, the spec of its flow.

    Raises:
        ConflictError: When there is a run with this id, or when a run under way resumes the same
            run already.
        NotFoundError: When there is no such run to resume.
    """
    if _status_of(connection, run.run_id) is not None:
        raise ConflictError(f"There is already a run {run.run_id!r}.")
    if run.resumed_from is not None:
        _require_resumable(connection, run.resumed_from)
    from hashlib import sha256  # listing runs needs no hash, and should start fast

    text = flow_spec_to_json(spec)
    content_hash = sha256(text.encode()).hexdigest()  # is spec.content_hash, and half the work
    connection.execute(_INSERT_SPEC, (content_hash, text))
    connection.execute(
        _INSERT,
        (
            run.run_id,
            to_text(run.flow_name),
            to_text(run.flow_version),
            content_hash,
            run.status.value,
            run.reason.value if run.reason else None,
            to_text(run.error),
            _to_json(run, "parameters", run.parameters),
            _to_json(run, "environment", run.environment),
            to_text(run.source),
            run.resumed_from,
            to_microseconds(run.created_at),
            to_microseconds(run.started_at) if run.started_at else None,
            to_microseconds(run.ended_at) if run.ended_at else None,
        ),
    )


def end(connection: sqlite3.Connection, run_id: str, end: RunEnd) -> None:
    """Record the end of a run that is under way.

    Raises:
        ConflictError: When the run cannot end like this, or somebody else has ended it.
        UsageError: When there is a reason for failure and the run has not failed.
    """
    current = require_under_way(connection, run_id)
    if end.status not in RUN_TRANSITIONS[current] or not end.status.is_terminal:
        raise ConflictError(f"Run {run_id!r} is {current} and cannot end as {end.status}.")
    if end.reason and end.status is not RunStatus.FAILED:
        raise UsageError(f"Run {run_id!r} cannot be {end.status} with the reason {end.reason}.")
    reason = end.reason.value if end.reason else None
    ended_at = to_microseconds(end.ended_at)
    connection.execute(_END, (end.status.value, reason, to_text(end.error), ended_at, run_id))


def require_under_way(connection: sqlite3.Connection, run_id: str) -> RunStatus:
    """Return the status of a run that has not ended.

    Raises:
        ConflictError: When it has, or is gone.
    """
    status = _status_of(connection, run_id)
    if status is None or status.is_terminal:
        raise ConflictError(
            f"Run {run_id!r} was ended from outside: it is {status or 'gone'}.",
            hint="Leave the files of a run alone while it is running, and run the flow again.",
        )
    return status


def find(database: Database, run_id: str) -> Run | None:
    """Return a run, if there is one with this id."""
    rows = database.rows(FIND, (run_id,))
    return _to_runs(database, rows)[0] if rows else None


def find_spec_hash(database: Database, run_id: str) -> str | None:
    """Return the content hash of the spec of a run's flow, if there is a run with this id."""
    rows = database.rows(SPEC_HASH, (run_id,))
    content_hash: str | None = rows[0]["spec_hash"] if rows else None
    return content_hash


def read_spec(database: Database, content_hash: str) -> FlowSpec:
    """Return the spec with this content hash.

    Raises:
        StoreError: When it is missing or no spec.
    """
    rows = database.rows(SPEC, (content_hash,))
    try:
        return flow_spec_from_json(rows[0]["spec"])
    except (FlowDefinitionError, IndexError) as error:
        raise damaged(database.path, f"the flow {content_hash} is unreadable") from error


def under_way(database: Database) -> list[str]:
    """Return the ids of the runs that have no recorded end."""
    return [row["run_id"] for row in database.rows(UNDER_WAY)]


def select(database: Database, query: RunQuery, *, limit: int) -> list[Run]:
    """Return the runs that a query asks for.

    Raises:
        NotFoundError: When there is no such run to go on after.
    """
    values = {
        "limit": min(limit, _MOST),
        "status": query.status.value if query.status else None,
        "flow_name": to_text(query.flow_name),
        "since": to_microseconds(query.since) if query.since else None,
        "first_id": to_text(query.id_prefix),
        "last_id": f"{to_text(query.id_prefix)}{_BEHIND_ALL_IDS}",
        "after_id": to_text(query.after),
        "after_time": None if query.after is None else _place(database, query, query.after),
    }
    return _to_runs(database, database.rows(selection(query), values))


def selection(query: RunQuery) -> str:
    """Return the statement for a query; there is an index for what it filters and sorts by."""
    time, is_descending = query.order.field, query.order.is_descending
    conditions = {
        "flow_name = :flow_name": query.flow_name is not None,
        "status = :status": query.status is not None,
        "created_at >= :since": query.since is not None,
        "run_id >= :first_id AND run_id < :last_id": bool(query.id_prefix),
        f"({time}, run_id) {'<' if is_descending else '>'} (:after_time, :after_id)": (
            query.after is not None
        ),
        "started_at IS NOT NULL": time == "started_at",
    }
    where = " AND ".join(text for text, is_wanted in conditions.items() if is_wanted)
    direction = "DESC" if is_descending else "ASC"
    return f"""
    SELECT * FROM runs WHERE {where or "true"}
    ORDER BY {time} {direction}, run_id {direction} LIMIT :limit
    """  # noqa: S608 - put together of the texts above alone


def _place(database: Database, query: RunQuery, run_id: str) -> int:
    rows = database.rows(PLACES, (to_text(run_id),))
    time: int | None = rows[0][query.order.field] if rows else None
    if time is None:
        raise no_place_after(run_id)
    return time


def _status_of(connection: sqlite3.Connection, run_id: str | None) -> RunStatus | None:
    row = connection.execute(_STATUS, (run_id,)).fetchone()
    return RunStatus(row["status"]) if row else None


def _require_resumable(connection: sqlite3.Connection, run_id: str) -> None:
    if _status_of(connection, to_text(run_id)) is None:
        raise NotFoundError(
            f"There is no run {run_id!r} to resume.", hint="dagy runs list shows the runs."
        )
    row = connection.execute(RESUMING, (run_id,)).fetchone()
    if row is not None:
        other = row["run_id"]
        raise ConflictError(
            f"Run {run_id!r} is being resumed already, by run {other!r}.",
            hint=f"Wait for its end, then resume that one: dagy runs show {other}",
        )


def _to_json(run: Run, what: str, values: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(values))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The {what} of run {run.run_id!r} cannot be written as JSON: {error}.",
            hint="Use text, numbers, booleans, None, lists and dicts with text keys.",
        ) from error


def _to_runs(database: Database, rows: Iterable[sqlite3.Row]) -> list[Run]:
    try:
        return [_to_run(row) for row in rows]
    except (ValueError, OverflowError, IndexError) as error:
        # no JSON, a time beyond the calendar, a column that somebody removed
        raise damaged(database.path, f"a run has a value that cannot be: {error}") from error


def _to_run(row: sqlite3.Row) -> Run:
    return Run(
        run_id=row["run_id"],
        flow_name=row["flow_name"],
        flow_version=row["flow_version"],
        status=RunStatus(row["status"]),
        reason=FailureReason(row["reason"]) if row["reason"] else None,
        error=row["error"],
        created_at=to_time(row["created_at"]),
        started_at=to_optional_time(row["started_at"]),
        ended_at=to_optional_time(row["ended_at"]),
        parameters=json.loads(row["parameters"]),
        environment=json.loads(row["environment"]),
        source=row["source"],
        resumed_from=row["resumed_from"],
    )
