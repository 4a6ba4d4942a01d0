"""The local record of runs, as recorder and as reader."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from dagy_store import _runs, _task_runs
from dagy_store._connection import require_strict_tables
from dagy_store._database import CHECKPOINT_BYTES, Database
from dagy_store._directory import local_directory
from dagy_store._failures import store_errors
from dagy_store._forks import follow_forks
from dagy_store._history import History
from dagy_store._live_run import LiveRun, lock_path, log_path
from dagy_store._liveness import is_alive
from dagy_store._log_file import read_log
from dagy_store._output_file import read_output_file, staged_outputs
from dagy_store._private_files import make_private_directory
from dagy_types import (
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskRun,
    TaskTransition,
)
from dagy_types.errors import ConflictError, NotFoundError, StoreError, UsageError

if TYPE_CHECKING:
    from dagy_types import RunReader, RunRecorder

_Found = TypeVar("_Found")

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TASKS_NAMED_IN_ERROR = 5


class LocalMetadataStore:
    """Runs, their tasks, logs and outputs, in one directory of this machine.

    It is open from construction until `close`, or the end of its ``with`` block. Any number of
    processes and threads may use a directory at once. A fork of the process may go on using the
    object for reading and for runs of its own.

    Args:
        directory: Made if it is missing; `local_directory` by default.
        busy_timeout_seconds: How long to wait for another process that writes.
        poll_interval_seconds: How often to look for new log lines when following.
        checkpoint_bytes: How far the write-ahead log grows before it is copied into the database.
        sleep: Waits; a parameter for tests.

    Raises:
        StoreError: Here and from every method, when the files cannot be used: `StoreBusyError`
            after the time limit, `StoreVersionError` when a newer Dagy wrote them.
    """

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        busy_timeout_seconds: float = 10.0,
        poll_interval_seconds: float = 0.1,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_open = False
        require_strict_tables()
        # Absolute, because a relative path changes its meaning with the working directory.
        self._directory = (local_directory() if directory is None else Path(directory)).absolute()
        self._wait_for_lines = lambda: sleep(poll_interval_seconds)
        self._live: dict[str, LiveRun] = {}
        self._database = Database(
            self._directory / "dagy.db",
            busy_timeout_seconds=busy_timeout_seconds,
            checkpoint_bytes=checkpoint_bytes,
            sleep=sleep,
        )
        self._history = History(self._database, is_alive=self._is_alive)
        with store_errors(self._directory):
            make_private_directory(self._directory)
            try:
                self._database.open()
            except BaseException:
                self._database.close()
                raise
        self._is_open = True
        follow_forks(self)

    def __enter__(self) -> LocalMetadataStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._is_open and self._database.is_connected:
            message = f"unclosed store {self._directory}"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
            self.close()

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    def close(self) -> None:
        """Close all files; closing twice is allowed.

        A run that was created here and not finished counts as crashed from now on.
        """
        self._is_open = False
        with store_errors(self._directory):
            self._drop_live_runs()
            self._database.close()

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        """Record a new run; its process counts as alive from here until `finish_run`.

        Raises:
            UsageError: When the id is not made of ``a-z``, ``0-9``, ``_`` and ``-``, when the
                parameters are not JSON, or when the run has ended already.
            ConflictError: When there is a run with this id.
        """
        if not _RUN_ID.fullmatch(run.run_id):
            raise UsageError(
                f"{run.run_id!r} cannot be the id of a run.",
                hint="Use lower-case letters, digits, _ and -, a letter or digit first.",
            )
        if run.status.is_terminal:
            raise UsageError(f"Run {run.run_id!r} is new and cannot be {run.status} already.")
        with self._opened() as database:
            try:
                live = LiveRun(self._run_directory(run.run_id), spec)
            except BlockingIOError:
                raise ConflictError(f"There is already a run {run.run_id!r}.") from None
            try:
                with database.transaction() as connection:
                    _runs.insert(connection, run, spec)
            except BaseException:
                live.end()
                raise
            self._live[run.run_id] = live

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        """Record all these transitions durably or, when this raises, none.

        Raises:
            NotFoundError: When the run has no such task.
            ConflictError: When the run was not created here or has ended, or when a status
                cannot follow the one before it.
        """
        with self._opened() as database:
            live = self._live_run(run_id)
            changed = _task_runs.advance(run_id, live.statuses, transitions)
            large = _task_runs.outputs_for_files(transitions)
            with (
                staged_outputs(self._artifacts(run_id), large) as publish,
                database.transaction() as connection,
            ):
                _runs.require_under_way(connection, run_id)
                _task_runs.record(connection, run_id, transitions)
                publish()
            live.statuses.update(changed)

    def append_logs(self, run_id: str, records: Sequence[LogRecord]) -> None:
        """Add these log records; readers see them at once, and `finish_run` makes them durable.

        Raises:
            ConflictError: When the run was not created here or has ended.
        """
        with self._opened():
            self._live_run(run_id).log.append(records)

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        """Record the end of a run, durably.

        Raises:
            ConflictError: When the run was not created here or has ended, or cannot end so.
        """
        with self._opened() as database:
            live = self._live_run(run_id)
            live.log.sync()
            with database.transaction() as connection:
                _runs.end(connection, run_id, end)
            del self._live[run_id]
            live.end()

    def list_runs(
        self,
        *,
        limit: int,
        status: RunStatus | None = None,
        flow_name: str | None = None,
        since: datetime | None = None,
    ) -> list[Run]:
        """Return the newest runs first, at most ``limit``, created at ``since`` or later.

        Raises:
            UsageError: When the limit is negative.
        """
        if limit < 0:
            raise UsageError(f"The limit of a list cannot be {limit}.", hint="Use 0 or more.")
        with self._opened():
            return self._history.newest(
                limit=limit, status=status, flow_name=flow_name, since=since
            )

    def get_run(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._opened():
            return self._found(run_id, self._history.run)

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        """Return the run's tasks in the order of its flow, those not yet started included.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._opened():
            return self._history.task_runs(run_id, self._found(run_id, self._history.spec))

    def read_logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> Iterator[LogRecord]:
        """Yield the run's log records, oldest first.

        Args:
            task: Only records of the tasks with this id or name.
            follow: Go on with new records until the run has ended.

        Raises:
            NotFoundError: At once when there is no such run, or no such task in it.
        """
        with self._opened():
            spec = self._found(run_id, self._history.spec)
            task_ids = None if task is None else _task_ids(run_id, spec, task)
        records = read_log(
            log_path(self._run_directory(run_id)),
            is_growing=lambda: follow and not self.get_run(run_id).status.is_terminal,
            wait=self._wait_for_lines,
        )
        if task_ids is None:
            return records
        return (record for record in records if record.task_id in task_ids)

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        """Return what a task returned; ``None`` while there is nothing recorded.

        Raises:
            NotFoundError: When there is no such run.
            ArtifactError: When the file of a large output is missing or not whole.
        """
        with self._opened() as database:
            self._found(run_id, self._history.run)
            row = _task_runs.find_output(database, run_id, task_id)
            if row is None:
                return None
            content = row["output"]
            if content is None:
                directory = self._artifacts(run_id)
                content = read_output_file(directory, task_id, size_bytes=row["output_bytes"])
            return Output(content, row["serializer"])

    def before_fork(self) -> None:
        """Disconnect, for the length of a fork of this process; called by Python."""
        self._database.before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on, in the parent; called by Python."""
        self._database.after_fork()

    def after_fork_in_child(self) -> None:
        """Leave the runs under way to the parent; called by Python in the child."""
        # Else a run would look alive for as long as any child of its process lives.
        self._drop_live_runs()
        self._database.after_fork()

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        if not self._is_open:
            raise StoreError(
                f"The store {self._directory} is closed.", hint="Use it inside its with block."
            )
        with store_errors(self._directory):
            yield self._database

    def _is_alive(self, run_id: str) -> bool:
        return run_id in self._live or is_alive(lock_path(self._run_directory(run_id)))

    def _found(self, run_id: str, find: Callable[[str], _Found | None]) -> _Found:
        found = find(run_id) if _RUN_ID.fullmatch(run_id) else None
        if found is None:
            raise NotFoundError(
                f"There is no run {run_id!r} in {self._directory}.",
                hint="dagy runs list shows the runs.",
            )
        return found

    def _live_run(self, run_id: str) -> LiveRun:
        try:
            return self._live[run_id]
        except KeyError:
            raise ConflictError(
                f"Run {run_id!r} is not being recorded here.",
                hint="Only the store object that created a run can add to it, until its end.",
            ) from None

    def _run_directory(self, run_id: str) -> Path:
        return self._directory / "runs" / run_id

    def _artifacts(self, run_id: str) -> Path:
        return self._directory / "artifacts" / run_id

    def _drop_live_runs(self) -> None:
        while self._live:
            self._live.popitem()[1].drop()


def _task_ids(run_id: str, spec: FlowSpec, task: str) -> frozenset[str]:
    chosen = frozenset(each.task_id for each in spec.tasks if task in (each.task_id, each.name))
    if not chosen:
        names = list(dict.fromkeys(each.name for each in spec.tasks))
        shown = ", ".join(names[:_TASKS_NAMED_IN_ERROR])
        more = ", …" if len(names) > _TASKS_NAMED_IN_ERROR else ""
        raise NotFoundError(
            f"Run {run_id!r} has no task {task!r}.",
            hint=f"Its tasks: {shown}{more}" if names else "It has no tasks.",
        )
    return chosen


if TYPE_CHECKING:

    def _satisfies_both(store: LocalMetadataStore) -> tuple[RunRecorder, RunReader]:
        return store, store
