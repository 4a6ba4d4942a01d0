from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dagy import Flow
from dagy.local import RunResult, run_flow
from dagy.testing import Harness, harness
from dagy_types import (
    FlowSpec,
    LogRecord,
    Run,
    RunEnd,
    RunStatus,
    TaskRun,
    TaskStatus,
    TaskTransition,
)


class MemoryRecorder:
    """A run recorder that keeps what it is given, for one run."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.spec: FlowSpec | None = None
        self.batches: list[list[TaskTransition]] = []
        self.logs: list[LogRecord] = []
        self.status: RunStatus | None = None
        self.error: str | None = None

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        self.run, self.spec = run, spec

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        assert self.run is not None
        assert run_id == self.run.run_id
        assert transitions
        self.batches.append(list(transitions))

    def append_logs(self, run_id: str, records: Sequence[LogRecord]) -> None:
        self.logs.extend(records)

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        self.status, self.error = end.status, end.error

    @property
    def transitions(self) -> list[TaskTransition]:
        return [transition for batch in self.batches for transition in batch]

    @property
    def states(self) -> dict[str, TaskStatus]:
        """The latest status of each task."""
        return {each.task_id: each.status for each in self.transitions}

    def messages(self, task_id: str) -> list[str]:
        return [record.message for record in self.logs if record.task_id == task_id]


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture(autouse=True)
def local_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test touches the real home, nor is steered by the caller's environment."""
    directory = tmp_path / "dagy-local"
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(directory))
    monkeypatch.setenv("HOME", str(tmp_path / "no-home"))
    monkeypatch.delenv("DAGY_LOCAL_VERBOSE", raising=False)
    return directory


class Trial:
    """Runs flows in a harness, and tells what is recorded of the latest run."""

    def __init__(self, surroundings: Harness) -> None:
        self.store = surroundings.store
        self.clock = surroundings.clock
        self.run_id = ""

    def run(
        self, flow: Flow[..., Any], parameters: Mapping[str, Any] | None = None, **options: Any
    ) -> RunResult:
        """Run a flow to its end; one that fails is returned, not raised."""
        result = run_flow(flow, parameters or {}, recorder=self.store, **options)
        self.run_id = result.run_id
        return result

    @property
    def task_runs(self) -> dict[str, TaskRun]:
        return {each.task_id: each for each in self.store.list_task_runs(self.run_id)}

    @property
    def states(self) -> dict[str, str]:
        return {task_id: str(each.status) for task_id, each in self.task_runs.items()}

    @property
    def errors(self) -> dict[str, str | None]:
        return {task_id: each.error for task_id, each in self.task_runs.items()}

    def logs(self, task: str | None = None) -> list[LogRecord]:
        """The log records of the run; ``""`` for those of no task."""
        records = self.store.read_logs(self.run_id)
        return [each for each in records if task is None or (each.task_id or "") == task]

    def messages(self, task: str | None = None) -> list[str]:
        return [each.message for each in self.logs(task)]


@pytest.fixture
def trial() -> Iterator[Trial]:
    with harness() as surroundings:
        yield Trial(surroundings)
