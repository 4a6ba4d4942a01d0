"""The log of a run, read as it grows, in a thread beside."""

from __future__ import annotations

import queue
import threading
from dataclasses import replace

from dagy_store import LocalMetadataStore
from dagy_types import LogRecord

_WAITING_AT_MOST = 10_000
_TAKEN_AT_MOST = 1_000
_MOMENT_SECONDS = 0.05


class LogPump:
    """Reads the log of a run of a record until the run has ended.

    Args:
        directory: Of the record.
        recorded: What the record calls the run, which is there.
        run_id: What the server calls it.
    """

    def __init__(self, directory: str, recorded: str, run_id: str) -> None:
        self._directory, self._recorded, self._run_id = directory, recorded, run_id
        self._waiting: queue.Queue[LogRecord] = queue.Queue(_WAITING_AT_MOST)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether everything is read, and nothing waits any more."""
        return not self._thread.is_alive() and self._waiting.empty()

    def take(self, *, wait: bool = False) -> list[LogRecord]:
        """Take what there is, up to a thousand.

        Args:
            wait: Whether to wait a moment for the first one.
        """
        taken: list[LogRecord] = []
        while len(taken) < _TAKEN_AT_MOST:
            try:
                taken.append(self._waiting.get(wait and not taken, _MOMENT_SECONDS))
            except queue.Empty:
                break
        return taken

    def _read(self) -> None:
        with LocalMetadataStore(self._directory) as store:
            for record in store.read_logs(self._recorded, follow=True):
                self._waiting.put(replace(record, run_id=self._run_id))
