from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dagy_types import (
    FlowSpec,
    LogRecord,
    Run,
    RunEnd,
    RunStatus,
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
