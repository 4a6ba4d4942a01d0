from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from dagy._executors.performing import performed
from dagy_types import Attempt, AttemptResult, Output

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
ATTEMPT = Attempt("work", 2)


def test_what_is_returned_is_the_outcome() -> None:
    output = Output(b"1", "json")
    result = performed(lambda _attempt, _emit: output, ATTEMPT, print, now=lambda: NOW)
    assert result == AttemptResult("work", 2, NOW, output)


def test_what_is_raised_is_the_outcome_and_its_traceback_is_the_authors() -> None:
    error = SystemExit(1)

    def work(_attempt: Attempt, _emit: Any) -> Output:
        raise error

    result = performed(work, ATTEMPT, print, now=lambda: NOW)
    assert (result.task_id, result.number, result.ended_at) == ("work", 2, NOW)
    assert result.outcome is error
    assert result.traceback.splitlines()[0] == "Traceback (most recent call last):"
    assert "in work" in result.traceback
    assert "performing.py" not in result.traceback.replace("test_performing.py", "")
