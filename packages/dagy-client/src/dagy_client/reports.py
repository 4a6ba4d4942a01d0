"""What there is to say of a run, in pieces that servers take: see `client.runs.report`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from dagy_types import (
    LogRecord,
    Run,
    RunEnd,
    RunProgress,
    TaskRun,
)

LONGEST_TEXT = 65_536
"""Characters of a message or an error that servers take."""

_LONGEST_NAME = 200
_LONGEST_LEVEL = 16
_BATCH_ITEMS = 1_000
_BATCH_BYTES = 1024 * 1024
_SHORT_PARTS_BYTES = 400
_NOT_IN_LEVELS = re.compile(r"[^A-Z0-9_]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

T = TypeVar("T", LogRecord, TaskRun)


def task_reports(task_runs: Iterable[TaskRun]) -> Iterator[RunProgress]:
    """Yield reports that together say how tasks stand, in the order in which to send them.

    Args:
        task_runs: Children of mapped tasks after these.
    """
    for batch in _batches(map(_fitting_task_run, task_runs), _texts_of_task_run):
        yield RunProgress(task_runs=batch)


def log_reports(records: Iterable[LogRecord], *, first: int) -> Iterator[RunProgress]:
    """Yield reports that together say what a run has logged, in the order in which to send them.

    Args:
        first: The number that the first record has in the log of the run, from 1.
    """
    for batch in _batches(map(fitting_record, records), _texts_of_record):
        yield RunProgress(logs=batch, first_log=first)
        first += len(batch)


def end_of(run: Run) -> RunEnd:
    """Return how a run ended that has ended."""
    assert run.ended_at is not None
    return RunEnd(status=run.status, ended_at=run.ended_at, reason=run.reason, error=run.error)


def end_report(end: RunEnd, logs: Iterable[LogRecord] = ()) -> RunProgress:
    """Return the report of the end of a run, with a few last records of its log."""
    fitting = replace(end, error=end.error and fitting_text(end.error))
    return RunProgress(logs=tuple(map(fitting_record, logs)), end=fitting)


def fitting_record(record: LogRecord) -> LogRecord:
    """Return a record as servers take it: names of libraries and messages may be anything."""
    level = _NOT_IN_LEVELS.sub("_", record.level.upper())[:_LONGEST_LEVEL] or "INFO"
    logger = _CONTROL.sub(" ", kept_text(record.logger))[:_LONGEST_NAME] or "root"
    return replace(record, level=level, logger=logger, message=fitting_text(record.message))


def _fitting_task_run(task_run: TaskRun) -> TaskRun:
    if task_run.error is None:
        return task_run
    return replace(task_run, error=fitting_text(task_run.error))


def fits(text: str) -> bool:
    """Whether servers keep all of a text."""
    return len(kept_text(text)) <= LONGEST_TEXT


def fitting_text(text: str) -> str:
    """Return a text as servers keep it; of one that is too long the beginning, and its length."""
    text = kept_text(text)  # as it is measured there
    if len(text) <= LONGEST_TEXT:
        return text
    left = f"… ({len(text)} characters)"
    return text[: LONGEST_TEXT - len(left)] + left


def kept_text(text: str) -> str:
    r"""Return text that every database and every reader of JSON takes.

    What people's programs print is not refused: NUL and half characters become the readable
    escapes ``\x00`` and ``\udcff``.
    """
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


def _texts_of_task_run(task_run: TaskRun) -> tuple[Any, ...]:
    return (task_run.task_id, task_run.name, task_run.error, task_run.depends_on)


def _texts_of_record(record: LogRecord) -> tuple[Any, ...]:
    return (record.task_id, record.logger, record.message)


def _batches(items: Iterable[T], texts: Callable[[T], tuple[Any, ...]]) -> Iterator[tuple[T, ...]]:
    """Yield the items in batches that fit into a request.

    Args:
        texts: Returns those parts of an item that may be long.
    """
    batch: list[T] = []
    size = 0
    for item in items:
        # A character may take 12 bytes there.
        item_size = _SHORT_PARTS_BYTES + len(json.dumps(texts(item)))
        if batch and (len(batch) == _BATCH_ITEMS or size + item_size > _BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(item)
        size += item_size
    if batch:
        yield tuple(batch)
