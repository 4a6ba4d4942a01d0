"""What a run has come to over all its workers. Pure.

A worker that takes over from one that was lost resumes in the same record, as a run of its own:
``abc`` there is followed by ``abc-2``. For the server they are one run, whose tasks have had the
attempts of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dagy_types import TaskRun, TaskStatus


def recorded_id(run_id: str, number: int) -> str:
    """Return what the record calls the run of the worker with a number, from 1."""
    return run_id if number == 1 else f"{run_id}-{number}"


def server_id(recorded: str) -> str:
    """Return what the server calls a run of the record."""
    return recorded.partition("-")[0]


def tasks_of_all(run_id: str, recorded: Sequence[Sequence[TaskRun]]) -> dict[str, TaskRun]:
    """Return the tasks of a run, by their ids, as the records of its workers have them.

    Args:
        recorded: The tasks that each worker has recorded, in the order of the workers.
    """
    tasks: dict[str, TaskRun] = {}
    for of_worker in recorded:
        for task in of_worker:
            if task.status is not TaskStatus.PENDING:
                _add(tasks, run_id, task)
    return tasks


def changed(tasks: Mapping[str, TaskRun], known: Mapping[str, TaskRun]) -> list[TaskRun]:
    """Return the tasks that are not as they are known, parents before their children."""
    return [task for task_id, task in tasks.items() if known.get(task_id) != task]


def _add(tasks: dict[str, TaskRun], run_id: str, task: TaskRun) -> None:
    origin = task.origin
    if origin is not None and server_id(origin.run_id) == run_id:
        return  # an earlier worker did it
    before = tasks.get(task.task_id)
    tasks[task.task_id] = replace(
        task,
        run_id=run_id,
        attempt=task.attempt + (before.attempt if before is not None else 0),
        origin=origin and replace(origin, run_id=server_id(origin.run_id)),
    )
