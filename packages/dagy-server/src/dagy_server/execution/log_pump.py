"""The log of a run, read as it grows, in a thread beside."""

from __future__ import annotations

import json
import queue
import re
import threading
from dataclasses import replace

from dagy_server.field_types import kept_text
from dagy_store import LocalMetadataStore
from dagy_types import LogRecord, log_document

_WAITING_AT_MOST = 10_000
_LONGEST_MESSAGE = 65_536
_LONGEST_NAME = 200
_BATCH_RECORDS = 1_000
_BATCH_BYTES = 1024 * 1024
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
        self._first: list[LogRecord] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether everything is read, and nothing waits any more."""
        return not self._thread.is_alive() and self._waiting.empty() and not self._first

    def batch(self, *, wait: bool = False) -> list[LogRecord]:
        """Take what there is, as much as fits into one request.

        Args:
            wait: Whether to wait a moment for the first one.
        """
        taken: list[LogRecord] = []
        size = 0
        while len(taken) < _BATCH_RECORDS:
            try:
                record = self._next(_MOMENT_SECONDS if wait and not taken else 0)
            except queue.Empty:
                break
            size += len(json.dumps(log_document(record)))  # a character may take 12 bytes there
            if taken and size > _BATCH_BYTES:
                self._first.append(record)
                break
            taken.append(record)
        return taken

    def _next(self, seconds: float) -> LogRecord:
        if self._first:
            return self._first.pop()
        return self._waiting.get(block=seconds > 0, timeout=seconds or None)

    def _read(self) -> None:
        with LocalMetadataStore(self._directory) as store:
            for record in store.read_logs(self._recorded, follow=True):
                self._waiting.put(sendable(record, self._run_id))


def sendable(record: LogRecord, run_id: str) -> LogRecord:
    """Return a record as servers take it: names of libraries and messages may be anything."""
    level = re.sub(r"[^A-Z0-9_]", "_", record.level.upper())[:16] or "INFO"
    logger = re.sub(r"[\x00-\x1f\x7f]", " ", kept_text(record.logger))[:_LONGEST_NAME] or "root"
    message = kept_text(record.message)  # as servers keep it, which is what they measure
    if len(message) > _LONGEST_MESSAGE:
        left = f"… ({len(message)} characters)"
        message = message[: _LONGEST_MESSAGE - len(left)] + left
    return replace(record, run_id=run_id, level=level, logger=logger, message=message)
