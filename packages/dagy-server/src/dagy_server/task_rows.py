"""The rows of task runs. A task that is still PENDING has none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.engine import Row

from dagy_server.clock import from_datetime, to_optional_datetime
from dagy_server.database.schema import runs, task_runs
from dagy_server.run_rows import no_such_run
from dagy_server.task_states import pending
from dagy_types import Origin, ReuseReason, TaskRun, TaskSpec, TaskStatus
from dagy_types.errors import ConflictError

_MINE = (task_runs.c.run_id == bindparam("_run")) & (task_runs.c.task_id == bindparam("_task"))


def rows_of(connection: Connection, run_id: str, task_ids: Collection[str]) -> dict[str, Row[Any]]:
    """Return the rows of tasks, where there are some."""
    if not task_ids:
        return {}
    chosen = (task_runs.c.run_id == run_id) & task_runs.c.task_id.in_(task_ids)
    return {row.task_id: row for row in connection.execute(select(task_runs).where(chosen))}


def task_run_of(connection: Connection, run_id: str, task: TaskSpec, task_id: str) -> TaskRun:
    """Return one task of a run as it stands."""
    row = rows_of(connection, run_id, [task_id]).get(task_id)
    return to_task_run(run_id, task, task_id, row)


def to_task_run(run_id: str, task: TaskSpec, task_id: str, row: Row[Any] | None) -> TaskRun:
    """Return the task that a row describes."""
    if row is None:
        return pending(run_id, task, task_id)
    origin = row.origin
    return TaskRun(
        run_id=run_id,
        task_id=task_id,
        name=task.name,
        status=TaskStatus.of(row.status),
        attempt=row.attempt,
        depends_on=task.depends_on,
        started_at=to_optional_datetime(row.started_at),
        ended_at=to_optional_datetime(row.ended_at),
        error=row.error,
        output_bytes=row.output_bytes,
        map_size=row.map_size,
        origin=origin
        and Origin(origin["run_id"], origin["task_id"], ReuseReason.of(origin["reason"])),
    )


def write_new(connection: Connection, new: Sequence[TaskRun]) -> None:
    """Make the rows of tasks that had none."""
    if new:
        rows = [{"run_id": each.run_id, "task_id": each.task_id, **_values(each)} for each in new]
        connection.execute(insert(task_runs), rows)


def write_changed(connection: Connection, changed: Sequence[TaskRun]) -> None:
    """Change the rows of tasks that have one."""
    if changed:
        rows = [{"_run": each.run_id, "_task": each.task_id, **_values(each)} for each in changed]
        connection.execute(update(task_runs).where(_MINE), rows)


def map_sizes(connection: Connection, run_id: str, task_ids: Iterable[str]) -> Mapping[str, int]:
    """Return how many children each of these mapped tasks has, where that is known."""
    rows = rows_of(connection, run_id, list(task_ids))
    return {task_id: row.map_size for task_id, row in rows.items() if row.map_size is not None}


def require_origin(connection: Connection, organisation_id: str, origin: Origin) -> None:
    """Check that an output that is reused was made by the task that is said to have made it.

    Raises:
        NotFoundError: When there is no such task.
        ConflictError: When it made none.
    """
    row = connection.execute(
        select(task_runs.c.status, task_runs.c.origin)
        .join(runs, runs.c.id == task_runs.c.run_id)
        .where(
            runs.c.id == origin.run_id,
            runs.c.organisation_id == organisation_id,
            task_runs.c.task_id == origin.task_id,
        )
    ).one_or_none()
    if row is None:
        raise no_such_run(origin.run_id)
    if row.status != TaskStatus.SUCCEEDED.value or row.origin is not None:
        raise ConflictError(
            f"Task {origin.task_id!r} of run {origin.run_id!r} did not make an output.",
            hint="Reuse an output where it was made.",
        )


def _values(task_run: TaskRun) -> dict[str, Any]:
    origin = task_run.origin
    return {
        "status": task_run.status.value,
        "attempt": task_run.attempt,
        "started_at": task_run.started_at and from_datetime(task_run.started_at),
        "ended_at": task_run.ended_at and from_datetime(task_run.ended_at),
        "error": task_run.error,
        "output_bytes": task_run.output_bytes,
        "map_size": task_run.map_size,
        "origin": origin
        and {"run_id": origin.run_id, "task_id": origin.task_id, "reason": origin.reason.value},
    }
