"""The rows of tasks. A task that is still PENDING has none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dagy_store._database import Database, SqlValue
from dagy_store._failures import damaged
from dagy_store._rows import to_microseconds, to_optional_time, to_text
from dagy_types import TASK_TRANSITIONS, FlowSpec, TaskRun, TaskSpec, TaskStatus, TaskTransition
from dagy_types.errors import ConflictError, NotFoundError

LARGEST_OUTPUT_IN_ROW_BYTES = 8 * 1024

# One statement for all transitions keeps the order of a batch. RUNNING begins an attempt and so
# forgets how the last one ended; every other status ends the attempt that RUNNING began.
_RECORD = """
INSERT INTO task_runs (
    run_id, task_id, status, attempt, started_at, ended_at, error, serializer, output_bytes, output
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run_id, task_id) DO UPDATE SET
    status = excluded.status,
    attempt = iif(excluded.status = 'RUNNING', excluded.attempt, attempt),
    started_at = ifnull(excluded.started_at, started_at),
    ended_at = excluded.ended_at,
    error = excluded.error,
    serializer = excluded.serializer,
    output_bytes = excluded.output_bytes,
    output = excluded.output
"""

OF_RUN = """
SELECT task_id, status, attempt, started_at, ended_at, error, output_bytes FROM task_runs
WHERE run_id = ?
"""

OUTPUT = """
SELECT serializer, output_bytes, output FROM task_runs
WHERE run_id = ? AND task_id = ? AND output_bytes IS NOT NULL
"""


def advance(
    run_id: str, statuses: Mapping[str, TaskStatus], transitions: Iterable[TaskTransition]
) -> dict[str, TaskStatus]:
    """Return the new statuses of the tasks that these transitions change.

    Args:
        statuses: Of all tasks of the run.

    Raises:
        NotFoundError: When the run has no such task.
        ConflictError: When a status cannot follow the one before it.
    """
    changed: dict[str, TaskStatus] = {}
    for transition in transitions:
        task_id, status = transition.task_id, transition.status
        before = changed.get(task_id) or statuses.get(task_id)
        if before is None:
            raise NotFoundError(f"Run {run_id!r} has no task {task_id!r}.")
        if status not in TASK_TRANSITIONS[before]:
            raise ConflictError(
                f"Task {task_id!r} of run {run_id!r} is {before} and cannot become {status}."
            )
        changed[task_id] = status
    return changed


def record(
    connection: sqlite3.Connection, run_id: str, transitions: Iterable[TaskTransition]
) -> None:
    """Write transitions in their order; the database checks each once more."""
    connection.executemany(_RECORD, _parameters(run_id, transitions))


def outputs_for_files(transitions: Iterable[TaskTransition]) -> dict[str, bytes]:
    """Return the outputs, by task id, that are too large for a row."""
    return {
        transition.task_id: transition.output.data
        for transition in transitions
        if transition.output and len(transition.output.data) > LARGEST_OUTPUT_IN_ROW_BYTES
    }


def of_run(database: Database, run_id: str, spec: FlowSpec) -> list[TaskRun]:
    """Return all tasks of a run in the order of its flow."""
    rows = {row["task_id"]: row for row in database.rows(OF_RUN, (run_id,))}
    try:
        return [_to_task_run(run_id, task, rows.get(task.task_id)) for task in spec.tasks]
    except OverflowError as error:  # a time beyond the calendar
        raise damaged(database.path, f"a task of run {run_id!r} has an impossible time") from error


def find_output(database: Database, run_id: str, task_id: str) -> sqlite3.Row | None:
    """Return ``serializer``, ``output_bytes`` and ``output``: null when that is in a file."""
    rows: Sequence[sqlite3.Row] = database.rows(OUTPUT, (run_id, to_text(task_id)))
    return rows[0] if rows else None


def _parameters(
    run_id: str, transitions: Iterable[TaskTransition]
) -> Iterator[tuple[SqlValue, ...]]:
    for transition in transitions:
        at = to_microseconds(transition.at)
        is_start = transition.status is TaskStatus.RUNNING
        output = transition.output
        size = None if output is None else len(output.data)
        is_in_row = size is not None and size <= LARGEST_OUTPUT_IN_ROW_BYTES
        yield (
            run_id,
            transition.task_id,
            transition.status.value,
            transition.attempt if is_start else 0,
            at if is_start else None,
            None if is_start else at,
            to_text(transition.error),
            output.serializer if output else None,
            size,
            output.data if output and is_in_row else None,
        )


def _to_task_run(run_id: str, task: TaskSpec, row: sqlite3.Row | None) -> TaskRun:
    if row is None:
        return TaskRun(
            run_id=run_id,
            task_id=task.task_id,
            name=task.name,
            status=TaskStatus.PENDING,
            depends_on=task.depends_on,
        )
    return TaskRun(
        run_id=run_id,
        task_id=task.task_id,
        name=task.name,
        status=TaskStatus(row["status"]),
        attempt=row["attempt"],
        depends_on=task.depends_on,
        started_at=to_optional_time(row["started_at"]),
        ended_at=to_optional_time(row["ended_at"]),
        error=row["error"],
        output_bytes=row["output_bytes"],
    )
