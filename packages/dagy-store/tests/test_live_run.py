from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store._live_run import LiveRun, lock_path, log_path
from dagy_store._liveness import is_alive
from dagy_types import FlowSpec, TaskStatus, TaskTransition
from dagy_types.errors import NotFoundError


def test_a_live_run_holds_its_lock_and_knows_its_tasks(
    tmp_path: Path, spec: FlowSpec, at: Callable[[float], datetime]
) -> None:
    live = LiveRun(tmp_path / "r1", "r1", spec)
    assert is_alive(lock_path(tmp_path / "r1"))
    start = TaskTransition("extract", TaskStatus.RUNNING, at(2), attempt=1)
    assert live.tasks.advance([start]).statuses == {"extract": TaskStatus.RUNNING}
    with pytest.raises(NotFoundError, match="Run 'r1' has no task 'other'"):
        live.tasks.advance([TaskTransition("other", TaskStatus.RUNNING, at(2), attempt=1)])
    live.end()
    assert [path.name for path in (tmp_path / "r1").iterdir()] == ["log.jsonl"]


def test_a_dropped_run_looks_crashed(tmp_path: Path, spec: FlowSpec) -> None:
    LiveRun(tmp_path / "r1", "r1", spec).drop()
    assert lock_path(tmp_path / "r1").exists()
    assert not is_alive(lock_path(tmp_path / "r1"))


def test_a_run_whose_log_cannot_be_opened_is_not_alive(tmp_path: Path, spec: FlowSpec) -> None:
    log_path(tmp_path / "r1").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        LiveRun(tmp_path / "r1", "r1", spec)
    assert not lock_path(tmp_path / "r1").exists()
