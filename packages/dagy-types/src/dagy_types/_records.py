"""The records of runs, the same in every package. Times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from dagy_types._status import FailureReason, ReuseReason, RunStatus, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a flow.

    Attributes:
        reason: Why the run is ``FAILED``, unless a task's own error is why.
        error: One line for people: what made the run fail.
        parameters: The flow's parameters as a JSON object.
        source: Where its flow is: ``/path/of/file.py:flow``; ``None`` when it is in no file.
        resumed_from: The run whose committed tasks this one took over.
        environment: What it ran on, by name: ``python``, ``platform`` and the like.
    """

    run_id: str
    flow_name: str
    flow_version: str
    status: RunStatus
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: FailureReason | None = None
    error: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    resumed_from: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def duration_seconds(self) -> float | None:
        """From start to end; ``None`` until both are known."""
        return _seconds_between(self.started_at, self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How and when a run ended; the attributes mean what they mean in `Run`."""

    status: RunStatus
    ended_at: datetime
    reason: FailureReason | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The task whose recorded output another task reuses."""

    run_id: str
    task_id: str
    reason: ReuseReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One task of a run: of the flow's graph, or one child of a mapped task.

    Attributes:
        name: What the author called the task; ``task_id`` tells its calls apart.
        attempt: The number of the latest attempt, from 1; 0 when none has started.
        depends_on: Ids of the upstream tasks.
        error: One line for people: what the latest attempt raised, or why it was skipped.
        output_bytes: Size of its recorded output; ``None`` when it has none of its own: it has not
            succeeded, reuses another's, or is mapped, so that its output is its children's.
        map_size: How many children a mapped task has, once that is known.
        origin: Whose output it reuses; it did not run itself then.
    """

    run_id: str
    task_id: str
    name: str
    status: TaskStatus
    attempt: int = 0
    depends_on: tuple[str, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    output_bytes: int | None = None
    map_size: int | None = None
    origin: Origin | None = None

    @property
    def duration_seconds(self) -> float | None:
        """From start to end of the latest attempt; ``None`` until both are known."""
        return _seconds_between(self.started_at, self.ended_at)


@dataclass(frozen=True, slots=True)
class Output:
    """What a task returned, encoded.

    Attributes:
        serializer: Name of the `Serializer` that can restore the value.
    """

    data: bytes
    serializer: str


class TaskTransition(NamedTuple):
    """A task of a run enters a status at a moment.

    Two are made for each task of a run, so it is a named tuple: to make one takes a quarter of the
    time that a frozen dataclass takes.

    Attributes:
        output: What it returned, when it succeeded by itself; a mapped task has none of its own.
        map_size: How many children a mapped task has, with its ``RUNNING``. From there on the run
            has tasks with their ids, `mapped_task_id`.
        origin: Whose output it reuses, when it succeeded without running.
        cache_key: Under which other tasks find the output, with ``SUCCEEDED``.
    """

    task_id: str
    status: TaskStatus
    at: datetime
    attempt: int = 0
    error: str | None = None
    output: Output | None = None
    map_size: int | None = None
    origin: Origin | None = None
    cache_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One message of a run.

    Attributes:
        level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        logger: Name of the logger; ``stdout`` and ``stderr`` for printed text.
        task_id: The task that said it; ``None`` when it was the engine.
        attempt: The attempt of that task, from 1.
    """

    run_id: str
    at: datetime
    level: str
    logger: str
    message: str
    task_id: str | None = None
    attempt: int | None = None


def _seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()
