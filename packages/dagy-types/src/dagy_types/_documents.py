"""Records as JSON objects: the one spelling that commands print and servers send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from dagy_types._records import LogRecord, Origin, Run, TaskRun


def run_document(run: Run) -> dict[str, Any]:
    """Return the JSON object of a run; times in RFC 3339 and UTC, durations in seconds."""
    return {
        "run_id": run.run_id,
        "flow_name": run.flow_name,
        "flow_version": run.flow_version,
        "status": run.status.value,
        "reason": run.reason.value if run.reason else None,
        "error": run.error,
        "created_at": format_time(run.created_at),
        "started_at": _optional_time(run.started_at),
        "ended_at": _optional_time(run.ended_at),
        "duration_seconds": run.duration_seconds,
        "parameters": dict(run.parameters),
        "source": run.source,
        "resumed_from": run.resumed_from,
        "environment": dict(run.environment),
    }


def task_run_document(task_run: TaskRun) -> dict[str, Any]:
    """Return the JSON object of a task run; times in RFC 3339 and UTC, durations in seconds."""
    return {
        "run_id": task_run.run_id,
        "task_id": task_run.task_id,
        "name": task_run.name,
        "status": task_run.status.value,
        "attempt": task_run.attempt,
        "depends_on": list(task_run.depends_on),
        "started_at": _optional_time(task_run.started_at),
        "ended_at": _optional_time(task_run.ended_at),
        "duration_seconds": task_run.duration_seconds,
        "error": task_run.error,
        "output_bytes": task_run.output_bytes,
        "map_size": task_run.map_size,
        "origin": _origin_document(task_run.origin),
    }


def log_document(record: LogRecord) -> dict[str, Any]:
    """Return the JSON object of a log record; the time in RFC 3339 and UTC."""
    return {
        "run_id": record.run_id,
        "at": format_time(record.at),
        "level": record.level,
        "logger": record.logger,
        "task_id": record.task_id,
        "attempt": record.attempt,
        "message": record.message,
    }


def api_document(record: Any) -> dict[str, Any]:
    """Return the JSON object of a record that only servers keep, or of a request to one.

    Attributes are its keys. Of the task runs and log records inside, what is not known is left out,
    and what follows from the rest.
    """
    return {each.name: _plain(getattr(record, each.name)) for each in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, LogRecord):
        return _known(log_document(value))
    if isinstance(value, TaskRun):
        return _known(task_run_document(value), but="duration_seconds")
    if is_dataclass(value):
        return api_document(value)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _known(document: dict[str, Any], *, but: str | None = None) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None and key != but}


def _origin_document(origin: Origin | None) -> dict[str, str] | None:
    if origin is None:
        return None
    return {
        "run_id": origin.run_id,
        "task_id": origin.task_id,
        "reason": origin.reason.value,
    }


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds: equal length, so text order is time order."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """Read what `format_time` wrote.

    Raises:
        ValueError: When the text is not such a time.
    """
    if not text.endswith("Z"):
        raise ValueError(f"{text!r} is not a time in UTC that ends in Z")
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc)


def _optional_time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
