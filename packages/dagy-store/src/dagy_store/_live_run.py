"""A run that this process executes."""

from __future__ import annotations

from pathlib import Path

from dagy_store._liveness import Lifeline
from dagy_store._log_file import LogWriter
from dagy_store._private_files import make_private_directory
from dagy_store._task_states import TaskStates
from dagy_types import FlowSpec


class LiveRun:
    """The files that a run keeps open in ``runs/<run_id>/``, and how far its tasks are.

    Attributes:
        seen_changes: `Database.changes_by_others` when it was last known to be under way.

    Raises:
        BlockingIOError: When a living run has this directory.
    """

    def __init__(self, directory: Path, run_id: str, spec: FlowSpec) -> None:
        make_private_directory(directory)
        self._lifeline = Lifeline(lock_path(directory))
        try:
            self.log = LogWriter(log_path(directory))
        except BaseException:
            self._lifeline.end()
            raise
        self.tasks = TaskStates(run_id, spec)
        self.seen_changes: int | None = None

    def end(self) -> None:
        """Close the files of a run whose end, or refusal, is recorded."""
        self.log.close()
        self._lifeline.end()

    def drop(self) -> None:
        """Close the files only: the run goes on in another process, or counts as crashed."""
        self.log.close()
        self._lifeline.drop()


def lock_path(directory: Path) -> Path:
    """Return the file that a run locks while it lives."""
    return directory / "lock"


def log_path(directory: Path) -> Path:
    """Return the file with the log lines of a run."""
    return directory / "log.jsonl"
