"""What a server keeps besides runs, and what it is asked to make.

The attributes are the keys of the JSON objects, in answers and in requests. Times are aware and in
UTC. Everything that a server may leave out has a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dagy_types._flow_spec import FlowSpec
from dagy_types._records import LogRecord, RunEnd, TaskRun
from dagy_types._status import FlowStatus, HealthStatus, Role, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who the server sees behind a token; ``None`` where it does not say."""

    user_email: str
    org_id: str | None = None
    org_name: str | None = None
    role: Role | None = None
    super_admin: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that a login gives; the token itself is not in its ``repr``."""

    access_token: str = field(repr=False)
    token_type: str = "Bearer"  # noqa: S105 - the name of a kind
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key for programs.

    Attributes:
        key_prefix: The first characters of the key, to tell it from others.
        scopes: What it is limited to; a key with none may do all that its owner may.
    """

    key_id: str
    name: str = ""
    key_prefix: str = ""
    scopes: tuple[str, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(ApiKey):
    """A key that was just made.

    Attributes:
        key: The key itself, told this once; it is not in the ``repr``.
    """

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVersion:
    """One registered version of a flow; it never changes, but for its tags and its status.

    Attributes:
        artifact_id: The archive that holds its code.
        artifact_s3_uri: The same, where it is in a bucket of its owner.
    """

    flow_name: str
    flow_version: str = "latest"
    namespace: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    status: FlowStatus = FlowStatus.ACTIVE
    flow_spec: FlowSpec | None = None
    deployment_name: str | None = None
    artifact_id: str | None = None
    artifact_s3_uri: str | None = None
    org_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A name under which a version of a flow runs.

    Attributes:
        schedule: When it runs by itself: minute, hour, day, month and weekday, as for cron.
        timezone: The IANA name of the zone in which the schedule is meant.
        parameters: Of each run, where the run itself is given none.
    """

    deployment_name: str
    flow_name: str
    flow_version: str = "latest"
    namespace: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    schedule: str | None = None
    timezone: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifact_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInfo:
    """An archive that a server keeps."""

    artifact_id: str
    sha256: str
    size_bytes: int
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """How one part of a server is."""

    name: str
    status: HealthStatus
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a server is."""

    status: HealthStatus
    version: str | None = None
    components: tuple[ComponentHealth, ...] = ()
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """Asks for an access token."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRegistration:
    """Asks to register a version of a flow, and to deploy it when a deployment is named."""

    flow_spec: FlowSpec
    namespace: str | None = None
    deployment_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    artifact_id: str | None = None
    artifact_s3_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRequest:
    """Asks to make a deployment, or to change the one that has this name."""

    deployment_name: str
    flow_name: str
    flow_version: str = "latest"
    namespace: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    schedule: str | None = None
    timezone: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifact_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Asks for a run of a deployment, or else of a version of a flow."""

    deployment_name: str | None = None
    flow_name: str | None = None
    flow_version: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRequest:
    """Asks for a new API key."""

    name: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """Log records to add to a run."""

    records: tuple[LogRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPush:
    """Asks to keep a run that was executed elsewhere; the same again changes nothing.

    The attributes are those of its `Run`, and its graph, which names the flow and the version.
    """

    flow_spec: FlowSpec
    created_at: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    resumed_from: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """Asks to record how a run stands, all of it or nothing; the same again changes nothing.

    Attributes:
        flow_spec: Its graph, where that is not the one of its flow.
        source: As in `Run`, and so are the other facts of it.
        task_runs: Tasks of it as they are now; those that are left out stay as they are.
        logs: What it said.
        first_log: The number of the first of these messages in its log, from 1; those that are
            there already are passed over. Without it they are added to what is there.
    """

    flow_spec: FlowSpec | None = None
    started_at: datetime | None = None
    source: str | None = None
    environment: Mapping[str, str] | None = None
    task_runs: tuple[TaskRun, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    first_log: int | None = None
    end: RunEnd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReceipt:
    """What a server has of a run once it has recorded some progress of it.

    Attributes:
        log_count: How many messages its log has.
    """

    status: RunStatus
    log_count: int = 0
