"""How an attempt ends, whatever it runs in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dagy._failure import formatted_traceback
from dagy_types import Attempt, AttemptResult, LogRecord, Perform


def performed(
    perform: Perform,
    attempt: Attempt,
    emit: Callable[[LogRecord], None],
    *,
    now: Callable[[], datetime],
) -> AttemptResult:
    """Perform an attempt and return how it ended; what it raises is its outcome.

    Args:
        emit: Takes what the attempt logs and prints.
        now: The clock.
    """
    try:
        output = perform(attempt, emit)
    except BaseException as error:  # noqa: BLE001  sys.exit() in a task fails the task
        traceback = formatted_traceback(error)
        return AttemptResult(attempt.task_id, attempt.number, now(), error, traceback)
    return AttemptResult(attempt.task_id, attempt.number, now(), output)
