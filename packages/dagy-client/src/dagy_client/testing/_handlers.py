"""What the fake server does, one function per operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dagy_client._operation import Operation
from dagy_client.testing import _access, _flows, _runs
from dagy_client.testing._messages import Reply, SeenRequest, json_reply
from dagy_client.testing._state import Handler, State
from dagy_types import (
    LogRecord,
    Run,
    TaskRun,
    api_document,
    log_document,
    run_document,
    task_run_document,
)

HANDLERS: Mapping[str, Handler] = {**_access.HANDLERS, **_flows.HANDLERS, **_runs.HANDLERS}

_ARRANGED: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Run: run_document,
    TaskRun: task_run_document,
    LogRecord: log_document,
}


def reply_to(operation: Operation[Any], state: State, request: SeenRequest) -> Reply:
    """Do what an operation asks for.

    Raises:
        RefusedError: When it cannot be done.
    """
    outcome = HANDLERS[operation.name](state, request)
    if isinstance(outcome, Reply):
        return outcome
    if isinstance(outcome, tuple):
        items, cursor = outcome
        outcome = {"items": [_document(each) for each in items], "next_cursor": cursor}
    elif outcome is not None:
        outcome = _document(outcome)
    return json_reply(operation.status, outcome)


def _document(record: Any) -> dict[str, Any]:  # Any: any record
    return _ARRANGED.get(type(record), api_document)(record)
