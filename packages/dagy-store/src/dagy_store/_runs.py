"""The rows of runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from dagy_store._database import Database
from dagy_store._failures import damaged
from dagy_store._rows import to_microseconds, to_optional_time, to_text, to_time
from dagy_types import (
    RUN_TRANSITIONS,
    FailureReason,
    FlowSpec,
    Run,
    RunEnd,
    RunStatus,
    flow_spec_from_json,
    flow_spec_to_json,
)
from dagy_types.errors import ConflictError, FlowDefinitionError, UsageError

_INSERT_SPEC = "INSERT INTO flow_specs (content_hash, spec) VALUES (?, ?) ON CONFLICT DO NOTHING"

_INSERT = """
INSERT INTO runs (
    run_id, flow_name, flow_version, spec_hash, status, reason, error, parameters,
    created_at, started_at, ended_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_END = "UPDATE runs SET status = ?, reason = ?, error = ?, ended_at = ? WHERE run_id = ?"

_STATUS = "SELECT status FROM runs WHERE run_id = ?"

FIND = "SELECT * FROM runs WHERE run_id = ?"

SPEC = """
SELECT spec FROM runs JOIN flow_specs ON flow_specs.content_hash = runs.spec_hash
WHERE run_id = ?
"""

UNDER_WAY = "SELECT run_id FROM runs WHERE status IN ('QUEUED', 'RUNNING')"

NEWEST = """
SELECT * FROM runs WHERE created_at >= :since
ORDER BY created_at DESC, run_id DESC LIMIT :limit
"""

NEWEST_WITH_STATUS = """
SELECT * FROM runs WHERE status = :status AND created_at >= :since
ORDER BY created_at DESC, run_id DESC LIMIT :limit
"""

NEWEST_OF_FLOW = """
SELECT * FROM runs WHERE flow_name = :flow_name AND created_at >= :since
ORDER BY created_at DESC, run_id DESC LIMIT :limit
"""

NEWEST_OF_FLOW_WITH_STATUS = """
SELECT * FROM runs WHERE flow_name = :flow_name AND status = :status AND created_at >= :since
ORDER BY created_at DESC, run_id DESC LIMIT :limit
"""

_BEGINNING_OF_TIME = -(2**63)
_MOST = 2**63 - 1


def insert(connection: sqlite3.Connection, run: Run, spec: FlowSpec) -> None:
    """Add a run and, where it is new, the spec of its flow.

    Raises:
        ConflictError: When there is a run with this id.
    """
    if _status_of(connection, run.run_id) is not None:
        raise ConflictError(f"There is already a run {run.run_id!r}.")
    connection.execute(_INSERT_SPEC, (spec.content_hash, flow_spec_to_json(spec)))
    connection.execute(
        _INSERT,
        (
            run.run_id,
            to_text(run.flow_name),
            to_text(run.flow_version),
            spec.content_hash,
            run.status.value,
            run.reason.value if run.reason else None,
            to_text(run.error),
            _parameters_to_json(run),
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


def find_spec(database: Database, run_id: str) -> FlowSpec | None:
    """Return the spec of a run's flow, if there is a run with this id."""
    rows = database.rows(SPEC, (run_id,))
    if not rows:
        return None
    try:
        return flow_spec_from_json(rows[0]["spec"])
    except FlowDefinitionError as error:
        raise damaged(database.path, f"the flow of run {run_id!r} is unreadable") from error


def under_way(database: Database) -> list[str]:
    """Return the ids of the runs that have no recorded end."""
    return [row["run_id"] for row in database.rows(UNDER_WAY)]


def newest(
    database: Database,
    *,
    limit: int,
    status: RunStatus | None,
    flow_name: str | None,
    since: datetime | None,
) -> list[Run]:
    """Return the newest runs first."""
    if flow_name is None:
        query = NEWEST if status is None else NEWEST_WITH_STATUS
    else:
        query = NEWEST_OF_FLOW if status is None else NEWEST_OF_FLOW_WITH_STATUS
    parameters = {
        "limit": min(limit, _MOST),
        "status": status.value if status else None,
        "flow_name": to_text(flow_name),
        "since": to_microseconds(since) if since else _BEGINNING_OF_TIME,
    }
    return _to_runs(database, database.rows(query, parameters))


def _status_of(connection: sqlite3.Connection, run_id: str) -> RunStatus | None:
    row = connection.execute(_STATUS, (run_id,)).fetchone()
    return RunStatus(row["status"]) if row else None


def _parameters_to_json(run: Run) -> str:
    try:
        return json.dumps(dict(run.parameters))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The parameters of run {run.run_id!r} are not JSON: {error}.",
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
    )
