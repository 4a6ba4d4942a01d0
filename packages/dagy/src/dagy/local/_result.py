"""What a run left behind, for the program that ran it."""

from __future__ import annotations

from typing import Any

from dagy._run_options import Ended
from dagy._serializers import Serializers
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy_types import FailureReason, RunStatus
from dagy_types.errors import TaskFailedError


class RunResult:
    """A run that has ended and is recorded.

    Attributes:
        run_id: Under which ``dagy runs show`` and ``dagy logs`` find it.
        status: ``SUCCEEDED``, ``FAILED`` or ``CANCELLED``.
        reason: Why it is ``FAILED``, unless a task's own error is why.
        error: One line for people; ``None`` when it succeeded.
    """

    def __init__(self, run_id: str, ended: Ended, template: Any, serializers: Serializers) -> None:
        self.run_id = run_id
        self.status: RunStatus = ended.status
        self.reason: FailureReason | None = ended.reason
        self.error = ended.error
        self._ended = ended
        self._template = template
        self._serializers = serializers

    def __repr__(self) -> str:
        return f"<RunResult {self.run_id} {self.status}>"

    def result(self) -> Any:
        """Return the flow's value, a new copy with each call; ``None`` for what was skipped in it.

        Raises:
            TaskFailedError: When the run did not succeed.
        """
        self.raise_for_status()

        def restore(placeholder: TaskOutput) -> Any:
            output = self._ended.outputs.get(placeholder.task_id)
            return None if output is None else self._serializers.restore_input(output)

        return rebuild(self._template, restore)

    def raise_for_status(self) -> None:
        """Do nothing if the run succeeded.

        Raises:
            TaskFailedError: When it did not; its cause is what the first failed task raised.
        """
        if self.status is RunStatus.SUCCEEDED:
            return
        raise TaskFailedError(
            f"Run {self.run_id} did not succeed: {self.error}",
            hint=f"See: dagy logs {self.run_id}",
            run_id=self.run_id,
            task_id=self._ended.failed_task_id or "",
        ) from self._ended.failure
