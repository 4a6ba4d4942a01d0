"""How far a run is, in counts: a mapped task may have more children than anybody can read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from dagy_cli.escaping import visible
from dagy_cli.render.cells import duration_text
from dagy_types import TaskRun, TaskStatus, TaskTransition, mapped_position

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(slots=True, eq=False, repr=False)
class _Children:
    """Those of one mapped task."""

    count: int
    ended: int = 0


class Tally:
    """How many tasks have ended, of how many and how, how fast, and which ones run.

    The children of a mapped task count from its start on. They are not kept, nor named: the line
    says how many of them have ended.

    Args:
        total: How many tasks there are, without the children of mapped tasks.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = 0
        self._failed = 0
        self._skipped = 0
        self._running: dict[str, None] = {}  # a dict, because they are shown in starting order
        self._children: dict[str, _Children] = {}

    @classmethod
    def of(cls, task_runs: Iterable[TaskRun]) -> Tally:
        """Count the tasks of a run as they are recorded."""
        tally = cls(0)
        running = []
        for task_run in task_runs:
            tally._count(task_run)
            if task_run.status is TaskStatus.RUNNING:
                running.append(task_run)
        running.sort(key=lambda task_run: task_run.started_at or _LONG_AGO)
        tally._running = {
            each.task_id: None for each in running if mapped_position(each.task_id) is None
        }
        return tally

    def add(self, transitions: Iterable[TaskTransition]) -> None:
        """Take account of what happened."""
        for transition in transitions:
            position = mapped_position(transition.task_id)
            if transition.status is TaskStatus.RUNNING:
                if transition.attempt > 1:  # a retry: the failure before it was not the end
                    self._end(position, -1)
                    self._failed -= 1
                if position is None:
                    self._start(transition)
            elif transition.status.is_finished:
                self._running.pop(transition.task_id, None)
                self._end(position, 1)
                self._note(transition.status)

    def text(self, elapsed_seconds: float, width: int) -> str:
        """Return one line of at most this width."""
        parts = [f"{self._ended}/{self._total} tasks", duration_text(elapsed_seconds)]
        if elapsed_seconds >= 1 and self._ended >= elapsed_seconds:
            parts.append(f"{self._ended / elapsed_seconds:,.0f} tasks/s")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._skipped:
            parts.append(f"{self._skipped} skipped")
        count = ", ".join(parts)
        names = ", ".join(self._name(task_id) for task_id in self._running)
        line = f"{count}: {names}" if names else count
        return line if len(line) <= width else line[: max(width - 3, 0)] + "..."

    def _count(self, task_run: TaskRun) -> None:
        self._total += 1
        if task_run.map_size is not None:
            self._children[task_run.task_id] = _Children(task_run.map_size)
        if task_run.status.is_finished:
            self._end(mapped_position(task_run.task_id), 1)
            self._note(task_run.status)

    def _note(self, status: TaskStatus) -> None:
        self._failed += status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
        self._skipped += status is TaskStatus.SKIPPED

    def _start(self, transition: TaskTransition) -> None:
        self._running[transition.task_id] = None
        if transition.map_size is not None and transition.task_id not in self._children:
            self._children[transition.task_id] = _Children(transition.map_size)
            self._total += transition.map_size

    def _end(self, position: tuple[str, int] | None, count: int) -> None:
        self._ended += count
        if position is not None and position[0] in self._children:
            self._children[position[0]].ended += count

    def _name(self, task_id: str) -> str:
        children = self._children.get(task_id)
        name = visible(task_id)
        return name if children is None else f"{name} [{children.ended}/{children.count}]"
