"""The rows of tasks. A task that is still PENDING has none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from dagy_store._database import Database, SqlValue
from dagy_store._failures import damaged
from dagy_store._rows import to_microseconds, to_optional_time, to_text
from dagy_store._task_states import Batch
from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    TaskRun,
    TaskSpec,
    TaskStatus,
    TaskTransition,
    mapped_task_id,
)
from dagy_types.errors import ConflictError

LARGEST_OUTPUT_IN_ROW_BYTES = 8 * 1024

# OR ROLLBACK: see the trigger in the schema. Whoever calls this gives up the transaction anyway.
_INSERT = """
INSERT OR ROLLBACK INTO task_runs (
    run_id, task_id, status, attempt, started_at, ended_at, error, map_size,
    serializer, output_bytes, output
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ONE_MORE_ROW = ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Each statement lets other threads of Python run, and then waits for them: one for many rows costs
# half as much for each.
_ROWS_PER_STATEMENT = 32

_HAS_OUTPUT = """
SELECT 1 FROM task_runs
WHERE run_id = ? AND task_id = ? AND status = 'SUCCEEDED' AND origin_run_id IS NULL
"""

_INSERT_REUSED = f"""
INSERT OR ROLLBACK INTO task_runs (
    run_id, task_id, status, attempt, ended_at, origin_run_id, origin_task_id, origin_reason
) SELECT ?, ?, 'SUCCEEDED', 0, ?, ?, ?, ? WHERE EXISTS ({_HAS_OUTPUT})
"""

_CACHE = "INSERT INTO cache (key, recorded_at, run_id, task_id) VALUES (?, ?, ?, ?)"

# One statement for all transitions keeps their order. RUNNING begins an attempt and so forgets how
# the last one ended; every other status ends the attempt that RUNNING began.
_UPDATE = """
UPDATE OR ROLLBACK task_runs SET
    status = ?,
    attempt = ifnull(?, attempt),
    started_at = ifnull(?, started_at),
    ended_at = ?,
    error = ?,
    map_size = ifnull(?, map_size),
    serializer = ?,
    output_bytes = ?,
    output = ?
WHERE run_id = ? AND task_id = ?
"""

OF_RUN = """
SELECT
    task_id, status, attempt, started_at, ended_at, error, output_bytes, map_size,
    origin_run_id, origin_task_id, origin_reason
FROM task_runs WHERE run_id = ?
"""

MAP_SIZE = "SELECT map_size FROM task_runs WHERE run_id = ? AND task_id = ?"

_TEXTS = {status: status.value for status in TaskStatus}
_STATUSES = {status.value: status for status in TaskStatus}

_EncodedOutput = tuple[str | None, int | None, bytes | None]
_NO_OUTPUT: _EncodedOutput = (None, None, None)


def record(connection: sqlite3.Connection, run_id: str, batch: Batch) -> None:
    """Write a batch; the database checks each transition once more.

    Raises:
        ConflictError: When an output that is reused is not recorded as one that its task made
            itself, or when tasks that were recorded are no longer there.
    """
    # What is made and changed in one batch is made first, and what is reused is there by then.
    new = list(_new_rows(run_id, batch))
    for first in range(0, len(new), _ROWS_PER_STATEMENT):
        part = new[first : first + _ROWS_PER_STATEMENT]
        connection.execute(_insert(len(part)), list(chain.from_iterable(part)))
    if batch.later:
        changed = connection.executemany(_UPDATE, _changed_rows(run_id, batch.later)).rowcount
        if changed != len(batch.later):
            raise ConflictError(
                f"Tasks of run {run_id!r} were removed from outside.",
                hint="Leave the files of a run alone while it is running, and run the flow again.",
            )
    if batch.reused:
        rows = _reused_rows(run_id, batch.reused)
        if connection.executemany(_INSERT_REUSED, rows).rowcount != len(batch.reused):
            raise _no_such_output(connection, run_id, batch.reused)
    if batch.cached:
        connection.executemany(_CACHE, _cache_rows(run_id, batch.cached))


def outputs_for_files(transitions: Iterable[TaskTransition]) -> dict[str, bytes]:
    """Return the outputs, by task id, that are too large for a row."""
    return {
        transition.task_id: transition.output.data
        for transition in transitions
        if transition.output and len(transition.output.data) > LARGEST_OUTPUT_IN_ROW_BYTES
    }


def of_run(database: Database, run_id: str, spec: FlowSpec) -> list[TaskRun]:
    """Return all tasks of a run in the order of its flow, children after their mapped task."""
    rows: dict[str, sqlite3.Row] = {row[0]: row for row in database.rows(OF_RUN, (run_id,))}
    try:
        return list(_task_runs(run_id, spec, rows))
    except OverflowError as error:  # a time beyond the calendar
        raise damaged(database.path, f"a task of run {run_id!r} has an impossible time") from error


def find_map_size(database: Database, run_id: str, task_id: str) -> int | None:
    """Return how many children a mapped task has, once that is recorded."""
    rows = database.rows(MAP_SIZE, (run_id, task_id))
    size: int | None = rows[0]["map_size"] if rows else None
    return size


@cache
def _insert(count: int) -> str:
    return _INSERT + _ONE_MORE_ROW * (count - 1)


def _new_rows(run_id: str, batch: Batch) -> Iterator[tuple[SqlValue, ...]]:
    for start, end in batch.completed:
        output = end.output
        yield (
            run_id,
            end.task_id,
            _TEXTS[end.status],
            start.attempt,
            to_microseconds(start.at),
            to_microseconds(end.at),
            to_text(end.error),
            start.map_size,
            *(_encoded(output) if output else _NO_OUTPUT),
        )
    for start in batch.started.values():
        begin = to_microseconds(start.at)
        error = to_text(start.error)
        row = (run_id, start.task_id, "RUNNING", start.attempt, begin, None, error, start.map_size)
        yield (*row, *_NO_OUTPUT)
    for end in batch.without_attempt:
        at, error = to_microseconds(end.at), to_text(end.error)
        yield (run_id, end.task_id, _TEXTS[end.status], 0, None, at, error, None, *_NO_OUTPUT)


def _cache_rows(
    run_id: str, transitions: Iterable[TaskTransition]
) -> Iterator[tuple[SqlValue, ...]]:
    for each in transitions:
        yield to_text(each.cache_key), to_microseconds(each.at), run_id, each.task_id


def _reused_rows(
    run_id: str, reused: Iterable[tuple[TaskTransition, Origin]]
) -> Iterator[tuple[SqlValue, ...]]:
    for end, origin in reused:
        at, reason = to_microseconds(end.at), origin.reason.value
        source = (to_text(origin.run_id), to_text(origin.task_id))
        yield (run_id, end.task_id, at, *source, reason, *source)


def _no_such_output(
    connection: sqlite3.Connection, run_id: str, reused: Iterable[tuple[TaskTransition, Origin]]
) -> ConflictError:
    refused = [
        f"Task {end.task_id!r} of run {run_id!r} cannot reuse the output of task "
        f"{origin.task_id!r} of run {origin.run_id!r}: that did not make one."
        for end, origin in reused
        if not connection.execute(
            _HAS_OUTPUT, (to_text(origin.run_id), to_text(origin.task_id))
        ).fetchone()
    ]
    return ConflictError(
        refused[0],
        hint="Reuse an output where it was made: an origin names no task that reuses one itself.",
    )


def _changed_rows(
    run_id: str, transitions: Iterable[TaskTransition]
) -> Iterator[tuple[SqlValue, ...]]:
    for transition in transitions:
        at = to_microseconds(transition.at)
        is_start = transition.status is TaskStatus.RUNNING
        yield (
            _TEXTS[transition.status],
            transition.attempt if is_start else None,
            at if is_start else None,
            None if is_start else at,
            to_text(transition.error),
            transition.map_size,
            *(_encoded(transition.output) if transition.output else _NO_OUTPUT),
            run_id,
            transition.task_id,
        )


def _encoded(output: Output) -> _EncodedOutput:
    size = len(output.data)
    is_in_row = size <= LARGEST_OUTPUT_IN_ROW_BYTES
    return output.serializer, size, output.data if is_in_row else None


def _task_runs(run_id: str, spec: FlowSpec, rows: dict[str, sqlite3.Row]) -> Iterator[TaskRun]:
    for task in spec.tasks:
        task_run = _to_task_run(run_id, task, task.task_id, rows)
        yield task_run
        for index in range(task_run.map_size or 0):
            yield _to_task_run(run_id, task, mapped_task_id(task.task_id, index), rows)


def _to_task_run(
    run_id: str, task: TaskSpec, task_id: str, rows: dict[str, sqlite3.Row]
) -> TaskRun:
    row = rows.get(task_id)
    if row is None:
        return TaskRun(
            run_id=run_id,
            task_id=task_id,
            name=task.name,
            status=TaskStatus.PENDING,
            depends_on=task.depends_on,
        )
    _, status, attempt, started_at, ended_at, error, output_bytes, map_size, *origin = row
    return TaskRun(
        run_id=run_id,
        task_id=task_id,
        name=task.name,
        status=_STATUSES[status],
        attempt=attempt,
        depends_on=task.depends_on,
        started_at=to_optional_time(started_at),
        ended_at=to_optional_time(ended_at),
        error=error,
        output_bytes=output_bytes,
        map_size=map_size,
        origin=_to_origin(*origin) if origin[0] else None,
    )


def _to_origin(run_id: str, task_id: str, reason: str) -> Origin:
    return Origin(run_id, task_id, ReuseReason(reason))
