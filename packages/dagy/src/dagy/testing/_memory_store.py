"""A record of runs in memory, for tests: what `dagy_store.LocalMetadataStore` is on disk."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dagy.testing._memory_run import MemoryRun
from dagy_types import (
    RUN_TRANSITIONS,
    FlowSpec,
    LogRecord,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunQuery,
    RunStatus,
    TaskRun,
    TaskStatus,
    TaskTransition,
    select_runs,
)
from dagy_types.errors import ConflictError, NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy_types import RunReader, RunRecorder

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")


class MemoryStore:
    """Runs, their tasks, logs and outputs, for as long as this object lives.

    It behaves, and refuses, like the store on disk; only a crash leaves nothing behind. Any thread
    may read while a run is recorded.
    """

    def __init__(self) -> None:
        self._runs: dict[str, MemoryRun] = {}
        self._cached: dict[str, list[tuple[datetime, str, str]]] = {}
        self._changed = threading.Condition()

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        """Record a new run.

        Raises:
            UsageError: When the id is not made of ``a-z``, ``0-9``, ``_`` and ``-``, when the
                parameters or the environment are not JSON, or when the run has ended already.
            ConflictError: When there is a run with this id, or when it resumes a run that another
                run under way resumes already.
            NotFoundError: When there is no such run to resume.
        """
        if not _RUN_ID.fullmatch(run.run_id):
            raise UsageError(
                f"{run.run_id!r} cannot be the id of a run.",
                hint="Use lower-case letters, digits, _ and -, a letter or digit first.",
            )
        if run.status.is_terminal:
            raise UsageError(f"Run {run.run_id!r} is new and cannot be {run.status} already.")
        with self._changed:
            if run.run_id in self._runs:
                raise ConflictError(f"There is already a run {run.run_id!r}.")
            if run.resumed_from is not None:
                self._require_resumable(run.resumed_from)
            recorded = replace(
                run,
                parameters=_json_copy(run.run_id, "parameters", run.parameters),
                environment=_json_copy(run.run_id, "environment", run.environment),
            )
            self._runs[run.run_id] = MemoryRun(recorded, spec)

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        """Record all these transitions or, when this raises, none.

        Raises:
            NotFoundError: When the run has no such task.
            ConflictError: When there is no such run under way, when a status cannot follow the one
                before it, or when an output cannot be reused.
        """
        with self._changed:
            recorded = self._under_way(run_id)
            changes = recorded.advance(transitions)
            for transition in transitions:
                if transition.origin is not None:
                    self._require_output(transition.task_id, transition.origin)
            recorded.apply(changes)
            for each in transitions:
                if each.cache_key is not None and each.output is not None:
                    entries = self._cached.setdefault(each.cache_key, [])
                    entries.append((each.at, run_id, each.task_id))

    def find_cached(
        self, key: str, *, since: datetime | None = None
    ) -> tuple[Origin, Output] | None:
        """Return the newest output recorded under this cache key, at ``since`` or later."""
        with self._changed:
            found = [
                entry for entry in self._cached.get(key, ()) if since is None or entry[0] >= since
            ]
            if not found:
                return None
            _, run_id, task_id = max(found)
            output = self._runs[run_id].outputs[task_id]
            return Origin(run_id, task_id, ReuseReason.CACHED), output

    def append_logs(self, run_id: str, records: Sequence[LogRecord]) -> None:
        """Add these log records; readers see them at once.

        Raises:
            ConflictError: When there is no such run under way.
        """
        with self._changed:
            self._under_way(run_id).logs.extend(records)
            self._changed.notify_all()

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        """Record the end of a run.

        Raises:
            ConflictError: When there is no such run under way, or it cannot end so.
            UsageError: When there is a reason for failure and the run has not failed.
        """
        with self._changed:
            recorded = self._under_way(run_id)
            _require_end(recorded.run, end)
            recorded.run = replace(
                recorded.run,
                status=end.status,
                reason=end.reason,
                error=end.error,
                ended_at=end.ended_at,
            )
            self._changed.notify_all()

    def list_runs(self, query: RunQuery = RunQuery(), *, limit: int) -> list[Run]:
        """Return the runs that a query asks for, at most ``limit``.

        Raises:
            NotFoundError: When there is no such run to go on after.
            UsageError: When the limit is negative.
        """
        if limit < 0:
            raise UsageError(f"The limit of a list cannot be {limit}.", hint="Use 0 or more.")
        with self._changed:
            runs = [recorded.run for recorded in self._runs.values()]
        return select_runs(query, runs)[:limit]

    def get_run(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._changed:
            return self._found(run_id).run

    def get_flow_spec(self, run_id: str) -> FlowSpec:
        """Return the graph of a run's flow, as it was when the run started.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._changed:
            return self._found(run_id).spec

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        """Return the run's tasks in the order of its flow, those not yet started included.

        The children of a mapped task follow it, in the order of its items, once there are any.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._changed:
            return list(self._found(run_id).task_runs())

    def read_logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> Iterator[LogRecord]:
        """Yield the run's log records, oldest first.

        Args:
            task: Only records of the tasks with this id or name, and of their children.
            follow: Go on with new records until the run has ended.

        Raises:
            NotFoundError: At once when there is no such run, or no such task in it.
        """
        with self._changed:
            recorded = self._found(run_id)
            is_chosen = recorded.choice(task)
        return filter(is_chosen, self._log_records(recorded, follow=follow))

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        """Return what a task returned, by itself or reused; ``None`` while nothing is recorded.

        Raises:
            NotFoundError: When there is no such run.
        """
        return next((output for _, output in self.read_outputs(run_id, [task_id])), None)

    def read_outputs(self, run_id: str, task_ids: Collection[str]) -> Iterator[tuple[str, Output]]:
        """Yield what `read_output` returns for each of these tasks, where there is something.

        Raises:
            NotFoundError: At once when there is no such run.
        """
        with self._changed:
            recorded = self._found(run_id)
            outputs = [(task_id, self._output(recorded, task_id)) for task_id in task_ids]
        return ((task_id, output) for task_id, output in outputs if output is not None)

    def _output(self, recorded: MemoryRun, task_id: str) -> Output | None:
        task = recorded.tasks.get(task_id)
        if task is not None and task.origin is not None:
            return self._runs[task.origin.run_id].outputs.get(task.origin.task_id)
        return recorded.outputs.get(task_id)

    def _log_records(self, recorded: MemoryRun, *, follow: bool) -> Iterator[LogRecord]:
        position = 0
        is_complete = False
        while not is_complete:
            with self._changed:
                while follow and position == len(recorded.logs) and not recorded.has_ended:
                    self._changed.wait()
                is_complete = not follow or recorded.has_ended
                records = recorded.logs[position:]
            position += len(records)
            yield from records

    def _found(self, run_id: str) -> MemoryRun:
        if run_id not in self._runs:
            raise NotFoundError(f"There is no run {run_id!r} in memory.")
        return self._runs[run_id]

    def _under_way(self, run_id: str) -> MemoryRun:
        recorded = self._runs.get(run_id)
        if recorded is None or recorded.has_ended:
            raise ConflictError(
                f"Run {run_id!r} is not being recorded here.",
                hint="Only the store object that created a run can add to it, until its end.",
            )
        return recorded

    def _require_resumable(self, run_id: str) -> None:
        self._found(run_id)
        for each in self._runs.values():
            if each.run.resumed_from == run_id and not each.has_ended:
                raise ConflictError(
                    f"Run {run_id!r} is being resumed already, by run {each.run.run_id!r}.",
                    hint="Wait for its end, then resume that one.",
                )

    def _require_output(self, task_id: str, origin: Origin) -> None:
        recorded = self._runs.get(origin.run_id)
        task = recorded.tasks.get(origin.task_id) if recorded is not None else None
        if task is None or task.status is not TaskStatus.SUCCEEDED or task.origin is not None:
            raise ConflictError(
                f"Task {task_id!r} cannot reuse the output of task {origin.task_id!r} of run "
                f"{origin.run_id!r}: that did not make one."
            )


def _require_end(run: Run, end: RunEnd) -> None:
    if end.status not in RUN_TRANSITIONS[run.status] or not end.status.is_terminal:
        raise ConflictError(f"Run {run.run_id!r} is {run.status} and cannot end as {end.status}.")
    if end.reason and end.status is not RunStatus.FAILED:
        raise UsageError(f"Run {run.run_id!r} cannot be {end.status} with the reason {end.reason}.")


def _json_copy(run_id: str, name: str, values: Mapping[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(dict(values)))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The {name} of run {run_id!r} cannot be written as JSON: {error}.",
            hint="Use text, numbers, booleans, None, lists and dicts with text keys.",
        ) from error


if TYPE_CHECKING:

    def _satisfies_both(store: MemoryStore) -> tuple[RunRecorder, RunReader]:
        return store, store
