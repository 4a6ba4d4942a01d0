"""How a run is carried out, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from dagy._policy import Delays
from dagy_types import FailureReason, Input, RunStatus


class RunOptions(NamedTuple):
    """How a run is carried out.

    Attributes:
        max_workers: How many tasks may run at once.
        fail_fast: Whether the first failure stops the run.
        max_output_bytes: A task whose encoded output is larger fails.
        grace_seconds: How long running tasks may go on once the run is to stop.
        timeout_seconds: After this time the run is stopped, without grace.
        executor: What runs the attempts: ``threads`` or ``processes``.
        retries: How often what failed is repeated.
        retry_delays: How long to wait before each repetition.
        retry_jitter_factor: The largest random share that is added to such a delay.
        retry_condition_fn: Told what a task raised, returns whether a repetition is worth it.
    """

    max_workers: int
    fail_fast: bool
    max_output_bytes: int
    grace_seconds: float = 10.0
    timeout_seconds: float | None = None
    executor: str = "threads"
    retries: int = 0
    retry_delays: Delays = Delays()
    retry_jitter_factor: float | None = None
    retry_condition_fn: Callable[[Exception], bool] | None = None


class Ended(NamedTuple):
    """How a run ended.

    Attributes:
        outputs: Of the tasks that the flow's result is built from, as far as they succeeded.
        failed_task_id: The task that failed first.
        failure: What that task raised.
    """

    status: RunStatus
    reason: FailureReason | None
    error: str | None
    outputs: dict[str, Input]
    failed_task_id: str | None
    failure: BaseException | None


def default_max_workers() -> int:
    """Return how many tasks run at once when nobody says otherwise."""
    return min(32, (os.cpu_count() or 1) + 4)
