"""The log of a run, ``runs/<run_id>/log.jsonl``: one JSON object per line, one writer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dagy_store._failures import store_errors
from dagy_store._private_files import open_private, sync_directory, write_all
from dagy_types import LogRecord, log_document, parse_time
from dagy_types.errors import StoreError

# ASCII with escapes: any text survives, and no character in it can end a line.
_encode = json.JSONEncoder(separators=(",", ":")).encode


class LogWriter:
    """Appends to a log; what it has appended, readers see at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
        self._end = os.fstat(self._descriptor).st_size

    def append(self, records: Sequence[LogRecord]) -> None:
        """Write whole lines or, when this raises, none."""
        content = b"".join(map(_to_line, records))
        try:
            write_all(self._descriptor, content)
        except BaseException:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += len(content)

    def sync(self) -> None:
        """Make all lines durable."""
        os.fsync(self._descriptor)
        sync_directory(self._path.parent)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_log(
    path: Path, *, is_growing: Callable[[], bool], wait: Callable[[], None]
) -> Iterator[LogRecord]:
    """Yield the records of a log as soon as their lines are whole.

    Args:
        is_growing: Whether more lines may come; once they may not, the rest is yielded.
        wait: Called each time before looking for more.

    Raises:
        StoreError: When the file cannot be read or a line is damaged.
    """
    with store_errors(path.parent):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            line = b""
            while True:
                # Asked before reading: what was written until then is read now.
                is_last_pass = not is_growing()
                while part := file.readline():
                    line += part
                    if line.endswith(b"\n"):
                        yield _to_record(line, path)
                        line = b""
                if is_last_pass:
                    return
                wait()


def _to_line(record: LogRecord) -> bytes:
    return _encode(log_document(record)).encode("ascii") + b"\n"


def _to_record(line: bytes, path: Path) -> LogRecord:
    try:
        document = json.loads(line)
        return LogRecord(**{**document, "at": parse_time(document["at"])})
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} has a line that is not a log record: {line[:60]!r}.",
            hint="The file was changed or damaged. The lines before that one were shown.",
        ) from error
