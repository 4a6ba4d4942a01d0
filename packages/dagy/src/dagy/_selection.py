"""Which tasks are attempted next; those that need no attempt are settled on the way."""

from __future__ import annotations

from collections.abc import Callable

from dagy._attempts import Attempts
from dagy._progress import Progress
from dagy._recovery import Recovery
from dagy._run_log import RunLog
from dagy._shortcuts import Reuse, Shortcuts, Skip
from dagy_types import Attempt, mapped_position
from dagy_types.errors import ArtifactError

# How many tasks may be settled without an attempt in one transaction.
_LARGEST_BATCH = 2_000


class Selection:
    """Takes ready tasks of a run.

    Args:
        on_failure: Called with a task that is to fail, because what decides on it, a condition or
            the value that it maps over, cannot be used.

    Attributes:
        was_cut_short: Whether there is more to select already.
    """

    def __init__(
        self,
        progress: Progress,
        attempts: Attempts,
        shortcuts: Shortcuts,
        recovery: Recovery,
        run_log: RunLog,
        *,
        on_failure: Callable[[str, BaseException], None],
    ) -> None:
        self._progress = progress
        self._attempts = attempts
        self._shortcuts = shortcuts
        self._recovery = recovery
        self._run_log = run_log
        self._on_failure = on_failure
        self.was_cut_short = False

    @property
    def is_possible(self) -> bool:
        """Whether some task is ready, though a limit may hold it back."""
        return self._progress.plan.has_ready and not self._recovery.is_held

    def take(self, room: int) -> list[Attempt]:
        """Take what is ready, and return the attempts that begin: at most ``room``."""
        selected: list[Attempt] = []
        progress, attempts = self._progress, self._attempts
        while (
            len(selected) < room
            and len(progress.changes) < _LARGEST_BATCH
            and self.is_possible
            and (task_id := progress.plan.take()) is not None
        ):
            # What has been tried before is tried again; the rest may need no attempt.
            if attempts.number(task_id):
                self._recovery.begin(task_id)
            elif self._may_settle(task_id) and self._settles(task_id):
                continue
            selected.append(progress.attempt(task_id, attempts.begin(task_id)))
        self.was_cut_short = len(progress.changes) >= _LARGEST_BATCH
        return selected

    def take_over(self) -> None:
        """Settle what a run that is resumed had done, before anything else can end the new one."""
        plan = self._progress.plan
        while (task_id := plan.take()) is not None:
            if not self._shortcuts.are_of_earlier_run(task_id) or not self._settles(task_id):
                plan.set_aside(task_id)
        plan.bring_back()

    def _may_settle(self, task_id: str) -> bool:
        """Tell at little cost that a task needs an attempt, as most do."""
        call = self._progress.call(task_id)
        return self._shortcuts.may_concern(call) or self._progress.is_mapped(task_id)

    def _settles(self, task_id: str) -> bool:
        """Settle a task that needs no attempt, and tell whether it is one."""
        progress = self._progress
        shortcut = self._shortcuts.of_earlier_run(task_id)
        try:
            if shortcut is None and mapped_position(task_id) is None:
                shortcut = self._shortcuts.by_condition(
                    progress.call(task_id), progress.outputs.input_of
                )
            if shortcut is None and progress.is_mapped(task_id):
                progress.fan_out(task_id)
                return True
        except BaseException as error:  # noqa: BLE001  an author's value may raise anything
            self._on_failure(task_id, error)
            return True
        if shortcut is None:
            shortcut = self._cached(task_id)
        if isinstance(shortcut, Skip):
            progress.skip(task_id, shortcut.reason)
        elif isinstance(shortcut, Reuse):
            progress.reuse(task_id, shortcut.origin, shortcut.output)
        return shortcut is not None

    def _cached(self, task_id: str) -> Reuse | None:
        call = self._progress.call(task_id)
        if not call.task.options.is_cached:
            return None
        try:
            return self._shortcuts.in_cache(call, self._progress.attempt(task_id, 1))
        except ArtifactError as error:
            self._run_log.add("WARNING", f"Not cached: {error.message}", task_id, None)
            return None
