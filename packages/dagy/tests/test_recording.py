from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from dagy._recording import Recording
from dagy_types import TaskStatus, TaskTransition

_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
_START = TaskTransition("load", TaskStatus.RUNNING, _AT, 1)
_END = TaskTransition("load", TaskStatus.SUCCEEDED, _AT, 1)
_NEVER = float("inf")


class Case:
    """A recording that has all it is made of at hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.changes: list[TaskTransition] = []
        self.recorded: list[tuple[str, list[TaskTransition]]] = []
        self.recording = Recording(
            "r1",
            self.changes,
            self,  # type: ignore[arg-type]
            lag_seconds=1.0,
            now=lambda: self.now,
        )

    def record_tasks(self, run_id: str, changes: list[TaskTransition]) -> None:
        self.recorded.append((run_id, list(changes)))


@pytest.fixture
def case() -> Case:
    return Case()


def test_nothing_is_never_urgent_and_writes_nothing(case: Case) -> None:
    case.recording.wait(for_more=True)
    assert (case.recording.is_urgent, case.recording.due_at) == (False, _NEVER)
    case.recording.write()
    assert case.recorded == []


def test_an_end_is_urgent(case: Case) -> None:
    case.changes += [_START, _END]
    assert case.recording.is_urgent


def test_starts_wait_no_longer_than_the_first_of_them_may(case: Case) -> None:
    case.changes.append(_START)
    case.recording.wait(for_more=True)
    case.now = 0.9
    case.changes.append(_START)
    case.recording.wait(for_more=True)
    assert (case.recording.is_urgent, case.recording.due_at) == (False, 1.0)
    case.now = 1.0
    assert case.recording.is_urgent


def test_starts_do_not_wait_when_nothing_happens(case: Case) -> None:
    case.changes.append(_START)
    case.recording.wait(for_more=False)
    assert case.recording.is_urgent


def test_what_is_written_is_written_once(case: Case) -> None:
    case.changes += [_START, _END]
    case.recording.wait(for_more=True)
    case.recording.write()
    assert case.recorded == [("r1", [_START, _END])]
    assert (case.recording.is_urgent, case.recording.due_at) == (False, _NEVER)
    case.recording.write()
    assert len(case.recorded) == 1


def test_what_could_not_be_written_is_kept(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("full")

    case.changes.append(_END)
    with monkeypatch.context() as patch:
        patch.setattr(case, "record_tasks", fail)
        with pytest.raises(OSError, match="full"):
            case.recording.write()
    case.recording.write()
    assert case.recorded == [("r1", [_END])]
