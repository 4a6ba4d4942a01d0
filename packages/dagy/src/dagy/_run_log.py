"""The log lines of a run on their way to its record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dagy._local_logger import ENGINE_LOGGER, LocalLogger
from dagy_types import LogRecord, RunRecorder


class RunLog:
    """Collects what a run's tasks and the engine itself have to say, to be written together."""

    def __init__(
        self,
        run_id: str,
        recorder: RunRecorder,
        logger: LocalLogger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._run_id = run_id
        self._recorder = recorder
        self._logger = logger
        self._now = now
        self._records: list[LogRecord] = []

    def append(self, record: LogRecord) -> None:
        """Take what a task said."""
        self._records.append(record)

    def add(self, level: str, message: str, task_id: str | None, attempt: int | None) -> None:
        """Say something as the engine, of a task or of the run."""
        self._records.append(
            LogRecord(
                run_id=self._run_id,
                at=self._now(),
                level=level,
                logger=ENGINE_LOGGER,
                message=message,
                task_id=task_id,
                attempt=attempt,
            )
        )

    def write(self) -> None:
        """Record all that was collected.

        Raises:
            StoreError: When it cannot be recorded.
        """
        if self._records:
            self._logger.write(self._recorder, self._run_id, self._records)
            self._records = []
