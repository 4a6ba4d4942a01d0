"""The shared typed interfaces of Dagy: states, records, flow specs, protocols and errors."""

from dagy_types import errors
from dagy_types._documents import (
    api_document,
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
    TokenSource,
)
from dagy_types._records import LogRecord, Origin, Output, Run, RunEnd, TaskRun, TaskTransition
from dagy_types._run_query import RunOrder, RunQuery, no_place_after, select_runs
from dagy_types._status import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    FlowStatus,
    HealthStatus,
    ReuseReason,
    Role,
    RunStatus,
    TaskStatus,
)

# What only servers and their clients need is imported when it is first used: commands that run
# flows here start a fifth faster for it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dagy_types._api import (
        AccessToken,
        Account,
        ApiKey,
        ApiKeyRequest,
        ArtifactInfo,
        ComponentHealth,
        Deployment,
        DeploymentRequest,
        FlowRegistration,
        FlowVersion,
        Health,
        LogBatch,
        LoginRequest,
        NewApiKey,
        RunProgress,
        RunPush,
        RunReceipt,
        RunRequest,
    )

__all__ = [
    "RUN_TRANSITIONS",
    "TASK_TRANSITIONS",
    "AccessToken",
    "Account",
    "ApiKey",
    "ApiKeyRequest",
    "ArtifactInfo",
    "Attempt",
    "AttemptEvent",
    "AttemptResult",
    "AttemptStarted",
    "ComponentHealth",
    "Deployment",
    "DeploymentRequest",
    "Executor",
    "FailureReason",
    "FlowRegistration",
    "FlowSpec",
    "FlowStatus",
    "FlowVersion",
    "Health",
    "HealthStatus",
    "Input",
    "LogBatch",
    "LogRecord",
    "LoginRequest",
    "NewApiKey",
    "Origin",
    "Output",
    "Perform",
    "ReuseReason",
    "Role",
    "Run",
    "RunEnd",
    "RunOrder",
    "RunProgress",
    "RunPush",
    "RunQuery",
    "RunReader",
    "RunReceipt",
    "RunRecorder",
    "RunRequest",
    "RunStatus",
    "RunStore",
    "Serializer",
    "TaskRun",
    "TaskSpec",
    "TaskStatus",
    "TaskTransition",
    "TokenSource",
    "api_document",
    "errors",
    "flow_spec_from_json",
    "flow_spec_to_json",
    "format_time",
    "log_document",
    "mapped_position",
    "mapped_task_id",
    "no_place_after",
    "parse_time",
    "run_document",
    "select_runs",
    "task_run_document",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from dagy_types import _api

        value = globals()[name] = getattr(_api, name)
        return value
