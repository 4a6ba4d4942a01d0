"""What every drawing of a timeline starts from: a bar for each task that has started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dagy_cli.task_groups import groups_of
from dagy_types import Run, TaskRun, TaskStatus


@dataclass(frozen=True, slots=True)
class Bar:
    """A task on the time axis; of a task with several attempts, the latest.

    Attributes:
        start_seconds: From the start of the timeline.
        seconds: How long the task ran, or has been running.
        progress: Of a mapped task, how many of its children succeeded, of how many.
    """

    task: TaskRun
    start_seconds: float
    seconds: float
    progress: tuple[int, int] | None = None

    @property
    def remark(self) -> str:
        """What a bar alone does not tell, after a space: colours are not for everybody."""
        progress = "" if self.progress is None else f" {self.progress[0]}/{self.progress[1]}"
        is_usual = self.task.status is TaskStatus.SUCCEEDED
        return progress if is_usual else f"{progress} {self.task.status}"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run's tasks on one time axis.

    Attributes:
        seconds: From the start of the run to its end, or until now; more than 0.
        bars: The first to start first.
        absent: How many tasks have not started.
        reused: How many did not have to, as they reuse an output.
    """

    started_at: datetime
    seconds: float
    bars: Sequence[Bar]
    absent: int
    reused: int = 0


def timeline_of(
    run: Run, task_runs: Sequence[TaskRun], *, now: datetime, lists_children: bool = False
) -> Timeline:
    """Return the timeline of a run; what has not ended goes on until ``now``.

    Args:
        lists_children: Give each child of a mapped task a bar.
    """
    progress = {each.task.task_id: each.progress for each in groups_of(task_runs)}
    listed = task_runs
    if not lists_children:
        listed = [each for each in task_runs if each.task_id in progress]
    reused = sum(each.origin is not None for each in listed)
    spans = [
        (each, each.started_at, _end(each, each.started_at, run.ended_at or now))
        for each in listed
        if each.started_at is not None and each.origin is None
    ]
    # A clock that was set back must not push a bar off the axis.
    start = min([run.started_at or run.created_at, *(begun for _, begun, _ in spans)])
    end = max([run.ended_at or now, *(ended for _, _, ended in spans)])
    bars = [
        Bar(
            each,
            (begun - start).total_seconds(),
            (ended - begun).total_seconds(),
            progress.get(each.task_id),
        )
        for each, begun, ended in spans
    ]
    return Timeline(
        started_at=start,
        seconds=max((end - start).total_seconds(), 0.001),
        bars=sorted(bars, key=lambda bar: bar.start_seconds),
        absent=len(listed) - len(spans) - reused,
        reused=reused,
    )


def _end(task_run: TaskRun, begun: datetime, latest: datetime) -> datetime:
    ended = latest if task_run.status is TaskStatus.RUNNING else task_run.ended_at
    return max(ended or latest, begun)
