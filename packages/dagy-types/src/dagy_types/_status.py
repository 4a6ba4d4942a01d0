"""The states of runs and tasks, and the transitions between them.

Each table is the whole truth about its life cycle: the engine plans with it, the store enforces
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class _Name(str, Enum):
    """A string that is one of a few names (``enum.StrEnum`` is newer than Python 3.10)."""

    def __str__(self) -> str:
        return str(self.value)


class RunStatus(_Name):
    """Where a run stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended for good."""
        return not RUN_TRANSITIONS[self]


class FailureReason(_Name):
    """Why a ``FAILED`` run failed, where it was not a task's own error."""

    CRASHED = "crashed"
    TIMED_OUT = "timed_out"


class ReuseReason(_Name):
    """Why a task did not run although it succeeded."""

    RESUMED = "resumed"  # the run that this one resumes had done it
    CACHED = "cached"  # another task had done it with the same inputs


class TaskStatus(_Name):
    """Where a task of a run stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"

    @property
    def is_finished(self) -> bool:
        """Whether no attempt is under way or due (a retry may still follow a failure)."""
        return self not in (TaskStatus.PENDING, TaskStatus.RUNNING)


RUN_TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}
"""From each run status to those that may follow it."""

TASK_TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset(
        {
            TaskStatus.RUNNING,
            TaskStatus.SKIPPED,
            TaskStatus.CANCELLED,
            TaskStatus.SUCCEEDED,  # only with the origin of an output that is reused
        }
    ),
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.CANCELLED}
    ),
    TaskStatus.FAILED: frozenset({TaskStatus.RUNNING}),  # a retry
    TaskStatus.TIMED_OUT: frozenset({TaskStatus.RUNNING}),  # a retry
    TaskStatus.SUCCEEDED: frozenset(),
    TaskStatus.SKIPPED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}
"""From each task status to those that may follow it."""
