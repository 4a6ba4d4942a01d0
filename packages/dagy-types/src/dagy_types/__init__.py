"""The shared typed interfaces of Dagy: states, records, flow specs, protocols and errors."""

from dagy_types import errors
from dagy_types._documents import (
    format_time,
    log_document,
    parse_time,
    run_document,
    task_run_document,
)
from dagy_types._flow_spec import FlowSpec, TaskSpec, flow_spec_from_json, flow_spec_to_json
from dagy_types._protocols import (
    Attempt,
    AttemptResult,
    Executor,
    RunReader,
    RunRecorder,
    Serializer,
)
from dagy_types._records import LogRecord, Output, Run, RunEnd, TaskRun, TaskTransition
from dagy_types._status import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    RunStatus,
    TaskStatus,
)

__all__ = [
    "RUN_TRANSITIONS",
    "TASK_TRANSITIONS",
    "Attempt",
    "AttemptResult",
    "Executor",
    "FailureReason",
    "FlowSpec",
    "LogRecord",
    "Output",
    "Run",
    "RunEnd",
    "RunReader",
    "RunRecorder",
    "RunStatus",
    "Serializer",
    "TaskRun",
    "TaskSpec",
    "TaskStatus",
    "TaskTransition",
    "errors",
    "flow_spec_from_json",
    "flow_spec_to_json",
    "format_time",
    "log_document",
    "parse_time",
    "run_document",
    "task_run_document",
]
