"""What runs attempts. Executors know nothing of graphs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dagy_types import AttemptEvent, AttemptResult, Executor, Perform


def make_executor(
    kind: str,
    max_workers: int,
    *,
    perform: Perform,
    deliver: Callable[[AttemptEvent], None],
    hand_in: Callable[[AttemptResult], None],
    go_on: Callable[[bool], None],
    now: Callable[[], datetime],
) -> Executor:
    """Return the executor of this kind: ``threads`` or ``processes``.

    Args:
        hand_in: See `ThreadExecutor`; so for ``go_on``.
    """
    if kind == "processes":
        from dagy._executors.processes import ProcessExecutor  # for those who use it

        return ProcessExecutor(max_workers, perform=perform, deliver=deliver, now=now)
    from dagy._executors.threads import ThreadExecutor

    return ThreadExecutor(
        max_workers, perform=perform, deliver=deliver, hand_in=hand_in, go_on=go_on, now=now
    )
