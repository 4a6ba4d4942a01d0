"""What a task of a run may become: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from dagy_server.flow_graph import no_such_task
from dagy_types import TASK_TRANSITIONS, Origin, TaskRun, TaskSpec, TaskStatus, mapped_position
from dagy_types.errors import ConflictError


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What somebody who runs a task says of it; where they say nothing, it follows by itself."""

    status: TaskStatus
    attempt: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    output_bytes: int | None = None
    map_size: int | None = None
    origin: Origin | None = None


def pending(run_id: str, task: TaskSpec, task_id: str) -> TaskRun:
    """Return a task that nobody has said anything of yet."""
    return TaskRun(
        run_id=run_id,
        task_id=task_id,
        name=task.name,
        status=TaskStatus.PENDING,
        depends_on=task.depends_on,
    )


def require_child(task_id: str, parent: TaskRun) -> None:
    """Check that a mapped task has this child, and is at work on its children.

    Raises:
        NotFoundError: When it has fewer.
        ConflictError: When it is not running.
    """
    if parent.status is not TaskStatus.RUNNING:
        raise ConflictError(
            f"Task {task_id!r} of run {parent.run_id!r} cannot change: "
            f"{parent.task_id!r} is {parent.status}.",
            hint="The children of a mapped task change while it is RUNNING.",
        )
    position = mapped_position(task_id)
    if position is None or position[1] >= (parent.map_size or 0):
        raise no_such_task(parent.run_id, task_id)


def advance(
    before: TaskRun, report: TaskReport, *, at: datetime, is_mapped: bool = False
) -> TaskRun:
    """Return what the task has become; said twice, a report changes nothing.

    Raises:
        ConflictError: When that cannot follow what it was.
    """
    if _says_the_same(before, report):
        return before
    status = report.status
    if status not in TASK_TRANSITIONS[before.status]:
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} is {before.status} "
            f"and cannot become {status}."
        )
    _require_origin(before, report)
    _require_map_size(before, report, is_mapped=is_mapped)
    if status is TaskStatus.RUNNING:
        return _started(before, report, at)
    if before.status is TaskStatus.RUNNING:
        return _ended(before, report, at)
    return replace(
        before,
        status=status,
        ended_at=report.ended_at or at,
        error=report.error,
        origin=report.origin,
    )


def _says_the_same(before: TaskRun, report: TaskReport) -> bool:
    said = {
        "status": report.status,
        "attempt": report.attempt,
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "error": report.error,
        "output_bytes": report.output_bytes,
        "map_size": report.map_size,
        "origin": report.origin,
    }
    return all(value in (None, getattr(before, name)) for name, value in said.items())


def _started(before: TaskRun, report: TaskReport, at: datetime) -> TaskRun:
    attempt = before.attempt + 1 if report.attempt is None else report.attempt
    if attempt <= before.attempt:
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} cannot start attempt {attempt}: "
            f"it has had {before.attempt}.",
            hint="Attempts count from 1, and each has the next number.",
        )
    return replace(
        before,
        status=report.status,
        attempt=attempt,
        started_at=report.started_at or at,
        ended_at=None,
        error=None,
        map_size=before.map_size if report.map_size is None else report.map_size,
    )


def _ended(before: TaskRun, report: TaskReport, at: datetime) -> TaskRun:
    if report.attempt not in (None, before.attempt):
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} is in attempt {before.attempt}, "
            f"so attempt {report.attempt} cannot end.",
            hint="Report the start of an attempt before its end.",
        )
    return replace(
        before,
        status=report.status,
        started_at=report.started_at or before.started_at,
        ended_at=report.ended_at or at,
        error=report.error,
        output_bytes=report.output_bytes if report.status is TaskStatus.SUCCEEDED else None,
    )


def _require_origin(before: TaskRun, report: TaskReport) -> None:
    is_reuse = before.status is TaskStatus.PENDING and report.status is TaskStatus.SUCCEEDED
    if is_reuse and report.origin is None:
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} has not run: it can succeed with "
            "the output of another task only.",
            hint="Give the origin of that output, or report the start of its attempt first.",
        )
    if report.origin is not None and not is_reuse:
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} is {before.status} and cannot "
            f"become {report.status} with the output of another task.",
            hint="Only a PENDING task can, and it is SUCCEEDED then.",
        )


def _require_map_size(before: TaskRun, report: TaskReport, *, is_mapped: bool) -> None:
    if report.map_size is None or report.map_size == before.map_size:
        return
    if not is_mapped or report.status is not TaskStatus.RUNNING or before.map_size is not None:
        raise ConflictError(
            f"Task {before.task_id!r} of run {before.run_id!r} cannot have {report.map_size} "
            "children.",
            hint="The RUNNING of a mapped task tells how many it has, and that stays.",
        )
