"""What becomes of a task that failed: it is tried again soon, or with all that failed, or never."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dagy._attempts import Attempts, Due, Repetition, Retry
from dagy._failure import formatted_traceback
from dagy._policy import is_worth_a_retry, jittered
from dagy._progress import Progress
from dagy._run_log import RunLog
from dagy._run_options import RunOptions
from dagy._timers import Timers


class Recovery:
    """The retries of tasks, and the repetitions of the run.

    A task that has used up its retries is *postponed* if the run has a repetition left: when
    nothing else is left to do, all that was postponed is tried again. With ``fail_fast`` nothing
    new starts until then.

    Args:
        now: Seconds that never go back.
        chance: Returns a number from 0 up to 1.
        on_repetition: Called with the number of the run's attempt that begins.
    """

    def __init__(
        self,
        options: RunOptions,
        progress: Progress,
        attempts: Attempts,
        timers: Timers[Due],
        run_log: RunLog,
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
        on_repetition: Callable[[int], None],
    ) -> None:
        self._options = options
        self._progress = progress
        self._attempts = attempts
        self._timers = timers
        self._run_log = run_log
        self._now = now
        self._chance = chance
        self._on_repetition = on_repetition
        self._awaiting: set[str] = set()  # from a failed attempt to the start of the next
        self._errors: dict[str, BaseException] = {}  # what the latest failed attempt raised
        self._postponed: dict[str, None] = {}
        self._repetitions = 0
        self._is_repetition_due = False

    @property
    def is_pending(self) -> bool:
        """Whether some task is to be tried again."""
        return bool(self._awaiting or self._postponed)

    @property
    def is_held(self) -> bool:
        """Whether nothing may start before what was postponed is tried again."""
        return bool(self._postponed) and self._options.fail_fast

    def error_of(self, task_id: str) -> BaseException:
        """Return why a task that is tried again is tried again."""
        return self._errors[task_id]

    def follows(self, task_id: str, error: BaseException) -> bool:
        """Arrange for another attempt at a task that failed, if there is to be one."""
        self._errors[task_id] = error
        options = self._progress.call(task_id).task.options
        if self._attempts.retries_made(task_id) < options.retries and self._is_worth_it(
            error, options.retry_condition_fn, task_id
        ):
            self._retry_later(task_id)
            return True
        if self._repetitions < self._options.retries and self._is_worth_it(
            error, self._options.retry_condition_fn, None
        ):
            self._progress.plan.suspend(task_id)
            self._postponed[task_id] = None
            return True
        del self._errors[task_id]
        return False

    def succeed(self, task_id: str) -> None:
        """A task needs no further attempt."""
        if self._errors:
            self._errors.pop(task_id, None)

    def begin(self, task_id: str) -> None:
        """Another attempt at a task begins."""
        self._awaiting.discard(task_id)

    def put_back(self, task_ids: Iterable[str]) -> None:
        """Attempts at these tasks, in this order, have not started and are to wait."""
        for task_id in reversed(list(task_ids)):
            if self._attempts.number(task_id):
                self._progress.plan.suspend(task_id)
                self._retry_now(task_id)
            else:
                self._progress.plan.put_back(task_id)

    def repeat_when_quiet(self, *, can_select: bool) -> None:
        """Schedule a repetition if nothing else is left to do; no attempt is under way.

        Args:
            can_select: Whether something else may start.
        """
        is_quiet = self.is_held or not (self._awaiting or can_select)
        if not self._postponed or self._is_repetition_due or not is_quiet:
            return
        delay = self._options.retry_delays.before(self._repetitions)
        delay = jittered(delay, self._options.retry_jitter_factor, self._chance)
        what = f"{len(self._postponed)} failed; tried again{_after(delay)}."
        self._run_log.add("INFO", what, None, None)
        self._is_repetition_due = True
        self._timers.add(self._now() + delay, Repetition())

    def apply(self, due: Retry | Repetition) -> None:
        """The time of a retry, or of a repetition, has come."""
        if isinstance(due, Repetition):
            self._repeat()
        elif due.task_id in self._awaiting:  # unless the run is to stop
            self._progress.plan.resume(due.task_id)

    def cancel(self) -> list[tuple[str, BaseException]]:
        """Try nothing again; return the tasks that would have been, and what they raised."""
        tasks = [(each, self._errors[each]) for each in (*self._awaiting, *self._postponed)]
        self._awaiting.clear()
        self._postponed.clear()
        return tasks

    def _is_worth_it(
        self,
        error: BaseException,
        condition: Callable[[Exception], bool] | None,
        task_id: str | None,
    ) -> bool:
        try:
            return is_worth_a_retry(error, condition)
        except BaseException as raised:  # noqa: BLE001  an author's function may raise anything
            message = f"retry_condition_fn raised:\n{formatted_traceback(raised)}"
            number = None if task_id is None else self._attempts.number(task_id)
            self._run_log.add("ERROR", message, task_id, number)
            return False

    def _retry_later(self, task_id: str) -> None:
        options, number = self._progress.call(task_id).task.options, self._attempts.number(task_id)
        delay = options.delays.before(self._attempts.retries_made(task_id))
        delay = jittered(delay, options.retry_jitter_factor, self._chance)
        what = f"Attempt {number} failed; attempt {number + 1} follows{_after(delay)}."
        self._run_log.add("INFO", what, task_id, number)
        self._progress.plan.suspend(task_id)
        self._awaiting.add(task_id)
        self._timers.add(self._now() + delay, Retry(task_id))

    def _retry_now(self, task_id: str) -> None:
        self._awaiting.add(task_id)
        self._progress.plan.resume(task_id)

    def _repeat(self) -> None:
        self._is_repetition_due = False
        if not self._postponed:
            return  # the run is to stop
        self._repetitions += 1
        self._on_repetition(self._repetitions + 1)
        for task_id in self._postponed:
            self._attempts.repeat(task_id)
            self._retry_now(task_id)
        self._postponed.clear()


def _after(delay: float) -> str:
    return f" in {delay:g} s" if delay else ""
