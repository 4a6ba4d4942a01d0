"""The seams between packages: who offers one and who uses it need not know each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from dagy_types._flow_spec import FlowSpec
from dagy_types._records import (
    LogRecord,
    Origin,
    Output,
    Run,
    RunEnd,
    TaskRun,
    TaskTransition,
)
from dagy_types._run_query import RunQuery


class RunRecorder(Protocol):
    """Where the engine writes: the local store, or a list in a test.

    Each call returns once what it was given is durable, except `append_logs`, whose lines are
    durable when `finish_run` returns. All calls for one run are made by one thread at a time.
    """

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        """Record a new run; its process counts as alive from here until `finish_run`.

        Raises:
            NotFoundError: When it resumes a run that is not there.
            ConflictError: When there is such a run, or when it resumes a run that another run
                under way resumes already.
        """
        ...

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        """Record all these transitions or, when this raises, none.

        Raises:
            NotFoundError: When the run has no such task.
            ConflictError: When a status cannot follow the one before it, or the run has ended; when
                what is to be reused is no recorded output of the task that is named as its origin.
        """
        ...

    def find_cached(
        self, key: str, *, since: datetime | None = None
    ) -> tuple[Origin, Output] | None:
        """Return the newest output recorded under this cache key, at ``since`` or later.

        Raises:
            ArtifactError: When the output has been changed or removed.
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

    def list_runs(self, query: RunQuery = RunQuery(), *, limit: int) -> list[Run]:
        """Return the runs that a query asks for, at most ``limit``.

        Raises:
            NotFoundError: When there is no such run to go on after.
        """
        ...

    def get_run(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            NotFoundError: When there is no such run.
        """
        ...

    def get_flow_spec(self, run_id: str) -> FlowSpec:
        """Return the graph of a run's flow, as it was when the run started.

        Raises:
            NotFoundError: When there is no such run.
        """
        ...

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        """Return the run's tasks in the order of its flow, those not yet started included.

        The children of a mapped task follow it, in the order of its items, once there are any.

        Raises:
            NotFoundError: When there is no such run.
        """
        ...

    def read_logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> Iterator[LogRecord]:
        """Yield the run's log records, oldest first.

        Args:
            task: Only records of the tasks that have this id or this name, children included.
            follow: Go on with new records until the run has ended.

        Raises:
            NotFoundError: When there is no such run, or no such task in it.
        """
        ...

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        """Return what a task returned, by itself or reused; ``None`` while nothing is recorded.

        Raises:
            NotFoundError: When there is no such run.
            ArtifactError: When the output has been changed or removed.
        """
        ...

    def read_outputs(self, run_id: str, task_ids: Collection[str]) -> Iterator[tuple[str, Output]]:
        """Yield what `read_output` returns for each of these tasks, where there is something.

        Raises:
            NotFoundError: When there is no such run.
            ArtifactError: When an output has been changed or removed.
        """
        ...


class RunStore(RunRecorder, RunReader, Protocol):
    """Where runs are both recorded and read."""


class TokenSource(Protocol):
    """Gives the token of a request: dagy-auth has some, and dagy-client takes one.

    Its methods are called from any thread.
    """

    def token(self, url: str) -> str:
        """Return a token that is valid now and that may be sent to this URL.

        Raises:
            NotLoggedInError: When there is none, or none for the URL's origin.
            TokenExpiredError: When the session has ended.
            NetworkError: When it had to be renewed and the provider did not answer.
        """
        ...

    def reject(self, token: str) -> None:
        """The server has refused this token: `token` is not to give it again."""
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


Input = Output | tuple[Output, ...]
"""What a task gets from an upstream task: its output, or those of a mapped task's children."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one task, as data that can be sent to another process.

    Attributes:
        number: Counts from 1.
        inputs: What the upstream tasks returned, by task id.
        index: Which child of a mapped task it is, from 0.
        items: For a child: its item of each value that is mapped over. ``None`` where that value is
            a constant of the flow, which whoever performs the attempt has already.
    """

    task_id: str
    number: int
    inputs: Mapping[str, Input] = field(default_factory=dict)
    index: int | None = None
    items: tuple[Output | None, ...] = ()


class AttemptStarted(NamedTuple):
    """An attempt has found a free slot."""

    task_id: str
    number: int
    at: datetime


class AttemptResult(NamedTuple):
    """How an attempt ended.

    Attributes:
        outcome: What the task returned, or what it raised.
        traceback: For people: where it was raised.
    """

    task_id: str
    number: int
    ended_at: datetime
    outcome: Output | BaseException
    traceback: str = ""


AttemptEvent = AttemptStarted | AttemptResult | LogRecord
"""What an executor has to tell: the start of an attempt, what it says, and how it ended."""

Perform = Callable[[Attempt, Callable[[LogRecord], None]], Output]
"""Runs a task's function on its inputs and returns the encoded output, or raises what it raised.

The second argument takes what the task logs and prints."""


class Executor(Protocol):
    """Runs attempts; knows nothing of graphs.

    It is made with a `Perform`, and with a function to which it hands each `AttemptEvent` from any
    thread: for every attempt its start, then what it says, then its result.

    A slot whose result was an exception starts nothing more until `proceed` is called: whoever
    submitted the attempts may not want the others any more.

    All methods are called by one thread at a time. For executors that send attempts to other
    processes, everything in an `Attempt` can be pickled.
    """

    def submit(self, attempt: Attempt) -> None:
        """Take an attempt. It starts once a slot is free, after those taken before it."""
        ...

    def proceed(self) -> None:
        """Let the slot go on whose result was an exception; called once for each such result."""
        ...

    def withdraw(self) -> list[Attempt]:
        """Give back the attempts that have not started; no event of theirs follows."""
        ...

    def give_up(self, task_id: str, number: int) -> None:
        """Deliver no result of this attempt, end it as far as that is possible, free its slot."""
        ...

    def close(self, *, wait: bool) -> None:
        """Start nothing more and let go of all slots.

        Args:
            wait: Return only when the attempts under way have ended too.
        """
        ...
