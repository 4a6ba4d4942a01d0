"""The local record of runs, as recorder and as reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagy_store import _runs, _task_runs
from dagy_store._live_run import LiveRun
from dagy_store._output_file import NO_OUTPUTS, staged_outputs
from dagy_store._reading import RUN_ID, ReadableStore
from dagy_types import FlowSpec, LogRecord, Run, RunEnd, TaskTransition
from dagy_types.errors import ConflictError, UsageError

if TYPE_CHECKING:
    from dagy_types import RunReader, RunRecorder


class LocalMetadataStore(ReadableStore):
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

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        """Record a new run; its process counts as alive from here until `finish_run`.

        Raises:
            UsageError: When the id is not made of ``a-z``, ``0-9``, ``_`` and ``-``, when the
                parameters or the environment are not JSON, or when the run has ended already.
            ConflictError: When there is a run with this id, or when it resumes a run that another
                run under way resumes already.
            NotFoundError: When there is no such run to resume.
        """
        if not RUN_ID.fullmatch(run.run_id):
            raise UsageError(
                f"{run.run_id!r} cannot be the id of a run.",
                hint="Use lower-case letters, digits, _ and -, a letter or digit first.",
            )
        if run.status.is_terminal:
            raise UsageError(f"Run {run.run_id!r} is new and cannot be {run.status} already.")
        with self._opened() as database:
            if run.resumed_from is not None:
                self._history.settle()  # one that has crashed is not in the way
            try:
                live = LiveRun(self._run_directory(run.run_id), run.run_id, spec)
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
        """Record all these transitions or, when this raises, none.

        What is recorded survives the end of this process at any moment. A loss of power can take
        the last of it, as long as the run has not ended.

        Raises:
            NotFoundError: When the run has no such task.
            ConflictError: When the run was not created here or has ended, when a status cannot
                follow the one before it, or when an output cannot be reused.
        """
        with self._opened() as database:
            live = self._live_run(run_id)
            batch = live.tasks.advance(transitions)
            large = _task_runs.outputs_for_files(transitions)
            with (
                staged_outputs(self._artifacts / run_id, large) if large else NO_OUTPUTS as publish,
                database.transaction(is_final=False) as connection,
            ):
                if live.seen_changes != database.changes_by_others:
                    _runs.require_under_way(connection, run_id)
                    live.seen_changes = database.changes_by_others
                _task_runs.record(connection, run_id, batch)
                publish()
            live.tasks.apply(batch)

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

    def _live_run(self, run_id: str) -> LiveRun:
        try:
            return self._live[run_id]
        except KeyError:
            raise ConflictError(
                f"Run {run_id!r} is not being recorded here.",
                hint="Only the store object that created a run can add to it, until its end.",
            ) from None


if TYPE_CHECKING:

    def _satisfies_both(store: LocalMetadataStore) -> tuple[RunRecorder, RunReader]:
        return store, store
