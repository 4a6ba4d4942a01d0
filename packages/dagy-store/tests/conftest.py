from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

# A busy machine is no reason to fail.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def no_real_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGY_LOCAL_DIR", raising=False)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "dagy"


@pytest.fixture
def store(directory: Path) -> Iterator[LocalMetadataStore]:
    with LocalMetadataStore(directory) as store:
        yield store


@pytest.fixture(scope="session")
def at() -> Callable[[float], datetime]:
    """Times by seconds, with the microseconds that a store must keep."""

    def at(seconds: float) -> datetime:
        return datetime(2026, 11, 1, 12, 0, 0, 123_457, timezone.utc) + timedelta(seconds=seconds)

    return at


@pytest.fixture(scope="session")
def spec() -> FlowSpec:
    return FlowSpec(
        name="daily",
        tasks=(
            TaskSpec(task_id="extract", name="extract"),
            TaskSpec(task_id="clean", name="clean", depends_on=("extract",)),
            TaskSpec(task_id="clean-2", name="clean", depends_on=("extract",)),
            TaskSpec(task_id="load", name="load", depends_on=("clean", "clean-2")),
        ),
        outputs=("load",),
    )


@pytest.fixture(scope="session")
def new_run(at: Callable[[float], datetime]) -> Callable[..., Run]:
    def new_run(run_id: str = "r1", **changes: Any) -> Run:
        fields: dict[str, Any] = {
            "flow_name": "daily",
            "flow_version": "1",
            "status": RunStatus.RUNNING,
            "created_at": at(0),
            "started_at": at(1),
        }
        return Run(run_id=run_id, **{**fields, **changes})

    return new_run


@pytest.fixture(scope="session")
def mapped_spec() -> FlowSpec:
    return FlowSpec(
        name="daily",
        tasks=(
            TaskSpec(task_id="list", name="list"),
            TaskSpec(task_id="each", name="fetch", depends_on=("list",), is_mapped=True),
            TaskSpec(task_id="load", name="load", depends_on=("each",)),
        ),
    )


@pytest.fixture(scope="session")
def succeed() -> Callable[..., list[TaskTransition]]:
    """The start and the end of a task that returned some bytes."""

    def succeed(
        task_id: str, at: datetime, data: bytes = b"1", **changes: Any
    ) -> list[TaskTransition]:
        output = Output(data, "json")
        return [
            TaskTransition(task_id, TaskStatus.RUNNING, at, attempt=1),
            TaskTransition(task_id, TaskStatus.SUCCEEDED, at, output=output, **changes),
        ]

    return succeed


@pytest.fixture(scope="session")
def log_record(at: Callable[[float], datetime]) -> Callable[..., LogRecord]:
    def log_record(message: str, *, run_id: str = "r1", **changes: Any) -> LogRecord:
        fields: dict[str, Any] = {"at": at(2), "level": "INFO", "logger": "stdout"}
        return LogRecord(run_id=run_id, message=message, **{**fields, **changes})

    return log_record


@pytest.fixture
def disk_with_room_for() -> Callable[[int], AbstractContextManager[None]]:
    """A disk on which no file can grow beyond some bytes."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit
