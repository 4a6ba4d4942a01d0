"""What every drawing of a timeline starts from: a bar for each task that has started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dagy_types import Run, TaskRun, TaskStatus


@dataclass(frozen=True, slots=True)
class Bar:
    """A task on the time axis; of a task with several attempts, the latest.

    Attributes:
        start_seconds: From the start of the timeline.
        seconds: How long the task ran, or has been running.
    """

    task: TaskRun
    start_seconds: float
    seconds: float

    @property
    def remark(self) -> str:
        """The status, after a space, unless it is the usual one: colours are not for everybody."""
        is_usual = self.task.status is TaskStatus.SUCCEEDED
        return "" if is_usual else f" {self.task.status}"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run's tasks on one time axis.

    Attributes:
        seconds: From the start of the run to its end, or until now; more than 0.
        bars: The first to start first.
        absent: How many tasks have not started.
    """

    started_at: datetime
    seconds: float
    bars: Sequence[Bar]
    absent: int


def timeline_of(run: Run, task_runs: Sequence[TaskRun], *, now: datetime) -> Timeline:
    """Return the timeline of a run; what has not ended goes on until ``now``."""
    spans = [
        (task_run, task_run.started_at, _end(task_run, task_run.started_at, run.ended_at or now))
        for task_run in task_runs
        if task_run.started_at is not None
    ]
    # A clock that was set back must not push a bar off the axis.
    start = min([run.started_at or run.created_at, *(begun for _, begun, _ in spans)])
    end = max([run.ended_at or now, *(ended for _, _, ended in spans)])
    bars = [
        Bar(task_run, (begun - start).total_seconds(), (ended - begun).total_seconds())
        for task_run, begun, ended in spans
    ]
    return Timeline(
        started_at=start,
        seconds=max((end - start).total_seconds(), 0.001),
        bars=sorted(bars, key=lambda bar: bar.start_seconds),
        absent=len(task_runs) - len(spans),
    )


def _end(task_run: TaskRun, begun: datetime, latest: datetime) -> datetime:
    ended = latest if task_run.status is TaskStatus.RUNNING else task_run.ended_at
    return max(ended or latest, begun)
