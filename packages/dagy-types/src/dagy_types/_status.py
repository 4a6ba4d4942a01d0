"""The states of runs and tasks, and the transitions between them.

Each table is the whole truth about its life cycle: the engine plans with it, the store enforces
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

_N = TypeVar("_N", bound="_Name")


class _Name(str, Enum):
    """A string that is one of a few names (``enum.StrEnum`` is newer than Python 3.10)."""

    @classmethod
    def of(cls: type[_N], text: str) -> _N:
        """Return the member with this value or, for one that a newer server knows, a new value.

        The new value is of this class, equals its text and prints itself; it is no member.
        """
        member = cls._value2member_map_.get(text)
        if isinstance(member, cls):
            return member
        unknown = str.__new__(cls, text)
        unknown._name_ = unknown._value_ = str(text)
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether this release has a member with this value."""
        return self._value_ in type(self)._value2member_map_

    def __str__(self) -> str:
        return str(self.value)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:  # Any: as typeshed has it
        return type(self) if self.is_known else type(self).of, (self._value_,)


class RunStatus(_Name):
    """Where a run stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended for good; of an unknown status nobody knows that."""
        return self.is_known and not RUN_TRANSITIONS[self]


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
        return self.is_known and self not in (TaskStatus.PENDING, TaskStatus.RUNNING)


class FlowStatus(_Name):
    """Whether a version of a flow can be run."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Role(_Name):
    """What a member of an organisation may do."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class HealthStatus(_Name):
    """How a server or a part of it is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"  # reachable, and not set up as it should be
    UNHEALTHY = "unhealthy"


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
