"""The seams between packages: who offers one and who uses it need not know each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dagy_types._flow_spec import FlowSpec
from dagy_types._records import LogRecord, Output, Run, RunEnd, TaskRun, TaskTransition
from dagy_types._status import RunStatus


class RunRecorder(Protocol):
    """Where the engine writes: the local store, or a list in a test.

    Each call returns once what it was given is durable, except `append_logs`, whose lines are
    durable when `finish_run` returns. All calls for one run come from one thread.
    """

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        """Record a new run; its process counts as alive from here until `finish_run`."""
        ...

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        """Record all these transitions or, when this raises, none.

        Raises:
            ConflictError: When a status cannot follow the one before it, or the run has ended.
        """
        ...

    def append_logs(self, run_id: str, records: Sequence[LogRecord]) -> None:
        """Add these log records; readers see them at once."""
        ...

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        """Record the end of a run."""
        ...


class RunReader(Protocol):
    """Where runs are read from: the local store or the API. A `Run` looks the same from both."""

    def list_runs(
        self,
        *,
        limit: int,
        status: RunStatus | None = None,
        flow_name: str | None = None,
        since: datetime | None = None,
    ) -> list[Run]:
        """Return the newest runs first, at most ``limit``, created at ``since`` or later."""
        ...

    def get_run(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            NotFoundError: When there is no such run.
        """
        ...

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        """Return the run's tasks in the order of its flow, those not yet started included.

        Raises:
            NotFoundError: When there is no such run.
        """
        ...

    def read_logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> Iterator[LogRecord]:
        """Yield the run's log records, oldest first.

        Args:
            task: Only records of the tasks that have this id or this name.
            follow: Go on with new records until the run has ended.

        Raises:
            NotFoundError: When there is no such run, or no such task in it.
        """
        ...

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        """Return what a task returned; ``None`` while there is nothing recorded.

        Raises:
            NotFoundError: When there is no such run.
        """
        ...


class Serializer(Protocol):
    """Turns a task's return value into bytes and exactly back."""

    name: str

    def encode(self, value: Any) -> bytes:
        """Return the bytes of a value.

        Raises:
            ArtifactError: When `decode` could not restore the value exactly.
        """
        ...

    def decode(self, data: bytes) -> Any:
        """Return a new copy of the value.

        Raises:
            ArtifactError: When the bytes are not what `encode` wrote.
        """
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one task.

    Attributes:
        number: Counts from 1.
        call: Runs the task's function on its inputs and returns the encoded output.
    """

    task_id: str
    number: int
    call: Callable[[], Output]


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended.

    Attributes:
        outcome: What the call returned, or what it raised.
    """

    task_id: str
    number: int
    ended_at: datetime
    outcome: Output | BaseException


class Executor(Protocol):
    """Runs attempts; knows nothing of graphs.

    It is made with a function to which it hands each `AttemptResult`, from any thread.
    """

    def submit(self, attempt: Attempt) -> None:
        """Run an attempt as soon as a slot is free."""
        ...

    def give_up(self, task_id: str, number: int) -> None:
        """Deliver no result of this attempt, end it as far as that is possible, free its slot."""
        ...

    def close(self, *, wait: bool) -> None:
        """Take no more attempts and let go of idle slots.

        Args:
            wait: Return only when the attempts under way have ended too.
        """
        ...
