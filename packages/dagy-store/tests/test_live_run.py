from __future__ import annotations

from pathlib import Path

import pytest

from dagy_store._live_run import LiveRun, lock_path, log_path
from dagy_store._liveness import is_alive
from dagy_types import FlowSpec, TaskStatus


def test_a_live_run_holds_its_lock_and_knows_its_tasks(tmp_path: Path, spec: FlowSpec) -> None:
    live = LiveRun(tmp_path / "r1", spec)
    assert is_alive(lock_path(tmp_path / "r1"))
    assert set(live.statuses) == {task.task_id for task in spec.tasks}
    assert set(live.statuses.values()) == {TaskStatus.PENDING}
    live.end()
    assert [path.name for path in (tmp_path / "r1").iterdir()] == ["log.jsonl"]


def test_a_dropped_run_looks_crashed(tmp_path: Path, spec: FlowSpec) -> None:
    LiveRun(tmp_path / "r1", spec).drop()
    assert lock_path(tmp_path / "r1").exists()
    assert not is_alive(lock_path(tmp_path / "r1"))


def test_a_run_whose_log_cannot_be_opened_is_not_alive(tmp_path: Path, spec: FlowSpec) -> None:
    log_path(tmp_path / "r1").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        LiveRun(tmp_path / "r1", spec)
    assert not lock_path(tmp_path / "r1").exists()
