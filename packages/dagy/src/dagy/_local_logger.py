"""Where the log lines of a local run go."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from dagy._settings import is_verbose
from dagy_types import LogRecord, RunRecorder

_PRINTED = frozenset({"stdout", "stderr"})
_WORTH_SHOWING = frozenset({"WARNING", "ERROR", "CRITICAL"})

ENGINE_LOGGER = "dagy.engine"
"""The logger of what the engine itself has to say about a run."""


class LocalLogger:
    """The sink of a local run's log lines: all go to its record, some are shown as well.

    Shown by default is what tasks print, and warnings or worse; all when verbose, none when quiet.
    The traceback of a failed task is shown when verbose only: the run's outcome tells the failure.

    Args:
        verbose: Show every line.
        quiet: Show none; wins over ``verbose``.
        echo: Shows one line; by default printed text goes to where it was printed to, and the rest
            to stderr with time, level and task.
    """

    def __init__(
        self,
        *,
        verbose: bool = False,
        quiet: bool = False,
        echo: Callable[[LogRecord], None] | None = None,
    ) -> None:
        self._verbose = verbose
        self._quiet = quiet
        self._echo = echo or _echo_to_standard_streams

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> LocalLogger:
        """Return a logger that is verbose when ``DAGY_LOCAL_VERBOSE`` says so."""
        return cls(verbose=is_verbose(environ))

    def write(self, recorder: RunRecorder, run_id: str, records: Sequence[LogRecord]) -> None:
        """Record these lines and show those that are to be shown.

        Raises:
            StoreError: When they cannot be recorded.
        """
        recorder.append_logs(run_id, records)
        for record in records:
            if self._shows(record):
                self._echo(record)

    def _shows(self, record: LogRecord) -> bool:
        if self._quiet or self._verbose:
            return not self._quiet
        if record.logger in _PRINTED:
            return True
        is_failure = record.logger == ENGINE_LOGGER and record.level == "ERROR"
        return record.level in _WORTH_SHOWING and not is_failure


def _echo_to_standard_streams(record: LogRecord) -> None:
    if record.logger in _PRINTED:
        stream = getattr(sys, record.logger)
        stream.write(f"{record.message}\n")
    else:
        time = record.at.astimezone().strftime("%H:%M:%S")
        task = f" {record.task_id}" if record.task_id else ""
        sys.stderr.write(f"{time} {record.level}{task}: {record.message}\n")
