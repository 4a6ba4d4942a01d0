"""How a store is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import TypeVar

from dagy_store import _outputs, _task_runs
from dagy_store._database import Database
from dagy_store._live_run import log_path
from dagy_store._log_file import read_log
from dagy_store._opening import OpenStore
from dagy_types import (
    FlowSpec,
    LogRecord,
    Origin,
    Output,
    Run,
    RunQuery,
    TaskRun,
    mapped_position,
)
from dagy_types.errors import NotFoundError, UsageError

RUN_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")

_TASKS_NAMED_IN_ERROR = 5

_Found = TypeVar("_Found")
_Item = TypeVar("_Item")


class ReadableStore(OpenStore):
    """A `RunReader`, on the files of this machine."""

    def list_runs(self, query: RunQuery = RunQuery(), *, limit: int) -> list[Run]:
        """Return the runs that a query asks for, at most ``limit``.

        Raises:
            NotFoundError: When there is no such run to go on after.
            UsageError: When the limit is negative.
        """
        if limit < 0:
            raise UsageError(f"The limit of a list cannot be {limit}.", hint="Use 0 or more.")
        with self._opened():
            return self._history.select(query, limit=limit)

    def get_run(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._opened():
            return self._found(run_id, self._history.run)

    def get_flow_spec(self, run_id: str) -> FlowSpec:
        """Return the graph of a run's flow, as it was when the run started.

        Raises:
            NotFoundError: When there is no such run.
        """
        with self._opened():
            return self._found(run_id, self._history.spec)

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        """Return the run's tasks in the order of its flow, those not yet started included.

        The children of a mapped task follow it, in the order of its items, once there are any.

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
            task: Only records of the tasks with this id or name, and of their children.
            follow: Go on with new records until the run has ended.

        Raises:
            NotFoundError: At once when there is no such run, or no such task in it.
        """
        with self._opened() as database:
            spec = self._found(run_id, self._history.spec)
            is_chosen = None if task is None else _choice(database, run_id, spec, task)
        records = read_log(
            log_path(self._run_directory(run_id)),
            is_growing=lambda: follow and not self.get_run(run_id).status.is_terminal,
            wait=self._wait_for_lines,
        )
        return records if is_chosen is None else filter(is_chosen, records)

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        """Return what a task returned, by itself or reused; ``None`` while nothing is recorded.

        Raises:
            NotFoundError: When there is no such run.
            ArtifactError: When the file of a large output is missing or not whole.
        """
        return next((output for _, output in self.read_outputs(run_id, [task_id])), None)

    def read_outputs(self, run_id: str, task_ids: Collection[str]) -> Iterator[tuple[str, Output]]:
        """Yield what `read_output` returns for each of these tasks, where there is something.

        They are read page by page, and large ones one by one: memory is for a few of them enough.

        Raises:
            NotFoundError: At once when there is no such run.
            ArtifactError: When the file of a large output is missing or not whole.
        """
        with self._opened() as database:
            self._found(run_id, self._history.run)
        return self._guarded(_outputs.read(database, self._artifacts, run_id, task_ids))

    def find_cached(
        self, key: str, *, since: datetime | None = None
    ) -> tuple[Origin, Output] | None:
        """Return the newest output recorded under this cache key, at ``since`` or later.

        Raises:
            ArtifactError: When the file of a large output is missing or not whole.
        """
        with self._opened() as database:
            return _outputs.find_cached(database, self._artifacts, key, since=since)

    def _guarded(self, items: Iterator[_Item]) -> Iterator[_Item]:
        while True:
            with self._opened():  # for each item: the store may be closed in between
                item = next(items, None)
            if item is None:
                return
            yield item

    def _found(self, run_id: str, find: Callable[[str], _Found | None]) -> _Found:
        found = find(run_id) if RUN_ID.fullmatch(run_id) else None
        if found is None:
            raise NotFoundError(
                f"There is no run {run_id!r} in {self._directory}.",
                hint="dagy runs list shows the runs.",
            )
        return found


def _choice(
    database: Database, run_id: str, spec: FlowSpec, task: str
) -> Callable[[LogRecord], bool]:
    """Tell which records are of the tasks with this id or name, or of their children."""
    chosen = frozenset(each.task_id for each in spec.tasks if task in (each.task_id, each.name))
    if chosen:
        # No id of a flow has brackets, so what stands before them is the mapped task.
        return lambda record: (
            record.task_id is not None and record.task_id.partition("[")[0] in chosen
        )
    position = mapped_position(task)
    mapped = {each.task_id for each in spec.tasks if each.is_mapped}
    if position is None or position[0] not in mapped:
        raise NotFoundError(f"Run {run_id!r} has no task {task!r}.", hint=_names(spec))
    parent, index = position
    size = _task_runs.find_map_size(database, run_id, parent)
    if size is not None and index >= size:
        raise NotFoundError(
            f"Run {run_id!r} has no task {task!r}.",
            hint=f"Task {parent!r} has {size} children; the first is number 0.",
        )
    return lambda record: record.task_id == task


def _names(spec: FlowSpec) -> str:
    names = list(dict.fromkeys(each.name for each in spec.tasks))
    shown = ", ".join(names[:_TASKS_NAMED_IN_ERROR])
    more = ", …" if len(names) > _TASKS_NAMED_IN_ERROR else ""
    return f"Its tasks: {shown}{more}" if names else "It has no tasks."
