"""The shared typed interfaces of Dagy: states, records, flow specs, protocols and errors."""

from dagy_types import errors
from dagy_types._documents import (
    format_time,
    log_document,
    parse_time,
    run_document,
    task_run_document,
)
from dagy_types._flow_spec import (
    FlowSpec,
    TaskSpec,
    flow_spec_from_json,
    flow_spec_to_json,
    mapped_position,
    mapped_task_id,
)
from dagy_types._protocols import (
    Attempt,
    AttemptEvent,
    AttemptResult,
    AttemptStarted,
    Executor,
    Input,
    Perform,
    RunReader,
    RunRecorder,
    RunStore,
    Serializer,
)
from dagy_types._records import LogRecord, Origin, Output, Run, RunEnd, TaskRun, TaskTransition
from dagy_types._status import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    ReuseReason,
    RunStatus,
    TaskStatus,
)

__all__ = [
    "RUN_TRANSITIONS",
    "TASK_TRANSITIONS",
    "Attempt",
    "AttemptEvent",
    "AttemptResult",
    "AttemptStarted",
    "Executor",
    "FailureReason",
    "FlowSpec",
    "Input",
    "LogRecord",
    "Origin",
    "Output",
    "Perform",
    "ReuseReason",
    "Run",
    "RunEnd",
    "RunReader",
    "RunRecorder",
    "RunStatus",
    "RunStore",
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
    "mapped_position",
    "mapped_task_id",
    "parse_time",
    "run_document",
    "task_run_document",
]
