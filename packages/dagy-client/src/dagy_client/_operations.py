"""The operations of the API: the contract between servers and clients, one entry per endpoint.

What holds for all of them:

- Bodies are JSON objects, with the attributes of the records as keys (`dagy_types.api_document`,
  `run_document`, `task_run_document`, `log_document`). Who reads one ignores keys that it does not
  know; who writes one may leave out what has a default.
- A list is answered as ``{"items": [...], "next_cursor": ...}``, the newest first, but for the
  tasks and the log of a run, which are in their order. The cursor is opaque, ``null`` at the end;
  it marks an item, so that what is added or removed elsewhere makes nobody skip or repeat one.
- An error is answered as ``{"error": {"code", "message", "hint", "request_id"}}``.
- Every answer has ``X-Request-ID`` (the client's, when it sent one), ``Dagy-API-Level``,
  ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining``; 429 and 503 have ``Retry-After``.
- An ``Idempotency-Key`` belongs to whoever sent it. The same request again gets the same answer,
  with ``Idempotency-Replayed: true``; another request with that key, 422; the same while the first
  is under way, 409 with ``Retry-After``.
- A client that is too old gets 426 and a sentence.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

from dagy_client._operation import Operation
from dagy_types import (
    AccessToken,
    Account,
    ApiKey,
    ApiKeyRequest,
    ArtifactInfo,
    Deployment,
    DeploymentRequest,
    FlowRegistration,
    FlowSpec,
    FlowVersion,
    Health,
    LogBatch,
    LoginRequest,
    LogRecord,
    NewApiKey,
    Run,
    RunProgress,
    RunPush,
    RunReceipt,
    RunRequest,
    TaskRun,
)

# Who am I. A login is answered with a token; a logout ends the one that it is sent with.
LOGIN = Operation(
    name="login",
    method="POST",
    path="/auth/login",
    body=LoginRequest,
    answer=AccessToken,
    is_public=True,
)
LOGOUT = Operation(name="logout", method="POST", path="/auth/logout", answer=NoneType, status=204)
ME = Operation(name="me", method="GET", path="/me", answer=Account)
USERS_ME = Operation(name="users.me", method="GET", path="/users/me", answer=Account)
HEALTH = Operation(name="health", method="GET", path="/health", answer=Health, is_public=True)

# A flow has versions. Registering one that is there already, with the same graph, changes nothing.
FLOWS_LIST = Operation(
    name="flows.list",
    method="GET",
    path="/flows",
    query=("flow_name", "namespace"),
    answer=FlowVersion,
    is_list=True,
)
FLOWS_REGISTER = Operation(
    name="flows.register",
    method="POST",
    path="/flows",
    body=FlowRegistration,
    answer=FlowVersion,
    is_keyed=True,
    status=201,
)
# The version that was registered last.
FLOWS_GET = Operation(name="flows.get", method="GET", path="/flows/{name}", answer=FlowVersion)
FLOWS_GET_VERSION = Operation(
    name="flows.get_version",
    method="GET",
    path="/flows/{name}/versions/{version}",
    answer=FlowVersion,
)

# Making a deployment under a name that there is, replaces that one.
DEPLOYMENTS_LIST = Operation(
    name="deployments.list",
    method="GET",
    path="/deployments",
    query=("flow_name", "namespace"),
    answer=Deployment,
    is_list=True,
)
DEPLOYMENTS_CREATE = Operation(
    name="deployments.create",
    method="POST",
    path="/deployments",
    body=DeploymentRequest,
    answer=Deployment,
    is_keyed=True,
    status=201,
)
DEPLOYMENTS_GET = Operation(
    name="deployments.get", method="GET", path="/deployments/{name}", answer=Deployment
)

# A run is answered as it stands; it goes on by itself. A retry is a run of its own, that resumes.
RUNS_LIST = Operation(
    name="runs.list",
    method="GET",
    path="/runs",
    query=("status", "flow_name", "since", "id_prefix", "order", "after"),
    answer=Run,
    is_list=True,
)
RUNS_TRIGGER = Operation(
    name="runs.trigger",
    method="POST",
    path="/runs",
    body=RunRequest,
    answer=Run,
    is_keyed=True,
    status=201,
)
RUNS_GET = Operation(name="runs.get", method="GET", path="/runs/{run_id}", answer=Run)
# Of a run that was executed elsewhere; what became of it is reported like that of any other.
RUNS_PUSH = Operation(
    name="runs.push", method="PUT", path="/runs/{run_id}", body=RunPush, answer=Run, status=201
)
RUNS_CANCEL = Operation(
    name="runs.cancel", method="POST", path="/runs/{run_id}/cancel", answer=Run, is_keyed=True
)
RUNS_RETRY = Operation(
    name="runs.retry",
    method="POST",
    path="/runs/{run_id}/retry",
    answer=Run,
    is_keyed=True,
    status=201,
)
TASK_RUNS_LIST = Operation(
    name="task_runs.list",
    method="GET",
    path="/runs/{run_id}/tasks",
    answer=TaskRun,
    is_list=True,
)

# As events: ``log`` with a log record and an ``id`` that ``Last-Event-ID`` goes on after; a comment
# at least every 15 seconds; ``end`` once the run has ended and all has been sent.
RUNS_LOGS = Operation(
    name="runs.logs",
    method="GET",
    path="/runs/{run_id}/logs",
    query=("task",),
    answer=LogRecord,
    is_list=True,
    has_events=True,
)
RUNS_APPEND_LOGS = Operation(
    name="runs.append_logs",
    method="POST",
    path="/runs/{run_id}/logs",
    body=LogBatch,
    answer=NoneType,
    is_keyed=True,
    status=204,
)

# What who executes a run has to say of it, said as often as they like.
RUNS_REPORT = Operation(
    name="runs.report",
    method="POST",
    path="/runs/{run_id}/progress",
    body=RunProgress,
    answer=RunReceipt,
    is_keyed=True,
)
RUNS_FLOW_SPEC = Operation(
    name="runs.flow_spec", method="GET", path="/runs/{run_id}/flow", answer=FlowSpec
)

# Both ways ``X-Content-SHA256`` names the hash of the whole archive. A download takes ``Range``
# with ``If-Range: "SHA256"``, which is also its ``ETag``.
ARTIFACTS_UPLOAD = Operation(
    name="artifacts.upload",
    method="POST",
    path="/artifacts",
    body=bytes,
    answer=ArtifactInfo,
    is_keyed=True,
    status=201,
)
ARTIFACTS_FIND = Operation(
    name="artifacts.find", method="GET", path="/artifacts/by-sha256/{sha256}", answer=ArtifactInfo
)
ARTIFACTS_DOWNLOAD = Operation(
    name="artifacts.download", method="GET", path="/artifacts/{artifact_id}", answer=bytes
)

# The key itself is in the answer that makes it, and never again.
API_KEYS_LIST = Operation(
    name="api_keys.list", method="GET", path="/api-keys", answer=ApiKey, is_list=True
)
API_KEYS_CREATE = Operation(
    name="api_keys.create",
    method="POST",
    path="/api-keys",
    body=ApiKeyRequest,
    answer=NewApiKey,
    is_keyed=True,
    status=201,
)
API_KEYS_DELETE = Operation(
    name="api_keys.delete",
    method="DELETE",
    path="/api-keys/{key_id}",
    answer=NoneType,
    status=204,
)

OPERATIONS: tuple[Operation[Any], ...] = (  # Any: each has an answer of its own
    LOGIN,
    LOGOUT,
    ME,
    USERS_ME,
    HEALTH,
    FLOWS_LIST,
    FLOWS_REGISTER,
    FLOWS_GET,
    FLOWS_GET_VERSION,
    DEPLOYMENTS_LIST,
    DEPLOYMENTS_CREATE,
    DEPLOYMENTS_GET,
    RUNS_LIST,
    RUNS_TRIGGER,
    RUNS_GET,
    RUNS_PUSH,
    RUNS_CANCEL,
    RUNS_RETRY,
    TASK_RUNS_LIST,
    RUNS_LOGS,
    RUNS_APPEND_LOGS,
    RUNS_REPORT,
    RUNS_FLOW_SPEC,
    ARTIFACTS_UPLOAD,
    ARTIFACTS_FIND,
    ARTIFACTS_DOWNLOAD,
    API_KEYS_LIST,
    API_KEYS_CREATE,
    API_KEYS_DELETE,
)
"""All of them; each is one method of the client, and each method is one of them."""
