"""Which attempt this thread is running: the one context variable of a run."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from dagy_types import LogRecord


@dataclass(slots=True, eq=False)
class AttemptContext:
    """The attempt under way, as seen from inside.

    Attributes:
        task_id: ``None``, and so is the attempt, for a hook of the flow itself.
        emit: Takes what the attempt logs and prints.
        unfinished: Printed text that waits for the end of its line, by stream.
    """

    run_id: str
    task_id: str | None
    attempt: int | None
    emit: Callable[[LogRecord], None]
    now: Callable[[], datetime]
    unfinished: dict[str, str] = field(default_factory=dict)

    def log(self, level: str, logger: str, message: str) -> None:
        """Hand on one message of this attempt."""
        self.emit(
            LogRecord(
                run_id=self.run_id,
                at=self.now(),
                level=level,
                logger=logger,
                message=message,
                task_id=self.task_id,
                attempt=self.attempt,
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
