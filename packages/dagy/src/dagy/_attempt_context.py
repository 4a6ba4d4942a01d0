"""Which attempt this thread is running: the one context variable of a run."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime

from dagy_types import LogRecord


class AttemptContext:
    """The attempt under way, as seen from inside.

    Args:
        task_id: ``None``, and so is the attempt, for a hook of the flow itself.
        emit: Takes what the attempt logs and prints.

    Attributes:
        unfinished: Printed text that waits for the end of its line, by stream.
    """

    __slots__ = ("_attempt", "_emit", "_now", "_run_id", "_task_id", "unfinished")

    def __init__(
        self,
        run_id: str,
        task_id: str | None,
        attempt: int | None,
        emit: Callable[[LogRecord], None],
        now: Callable[[], datetime],
    ) -> None:
        self._run_id = run_id
        self._task_id = task_id
        self._attempt = attempt
        self._emit = emit
        self._now = now
        self.unfinished: dict[str, str] = {}

    def log(self, level: str, logger: str, message: str) -> None:
        """Hand on one message of this attempt."""
        self._emit(
            LogRecord(
                run_id=self._run_id,
                at=self._now(),
                level=level,
                logger=logger,
                message=message,
                task_id=self._task_id,
                attempt=self._attempt,
            )
        )

    def print(self, stream: str, text: str) -> None:
        """Log printed text by whole lines."""
        *lines, rest = (self.unfinished.get(stream, "") + text).split("\n")
        for line in lines:
            self.log("INFO", stream, line)
        self.unfinished[stream] = rest

    def flush(self) -> None:
        """Log what was printed without an end of line."""
        for stream, rest in self.unfinished.items():
            if rest:
                self.log("INFO", stream, rest)
        self.unfinished.clear()


current_attempt: ContextVar[AttemptContext | None] = ContextVar("current_attempt", default=None)
