"""All tables, in one place; `migrations` makes exactly these.

Ids are text with a prefix that tells their kind. Times are microseconds since 1970, UTC. Every
table of an organisation's things begins with the organisation, and so does every index on it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = String(64)
_Name = String(255)
_Time = BigInteger
_Hash = String(64)  # SHA-256 or HMAC-SHA-256, in hexadecimal
_Json = JSON(none_as_null=True)
_Number: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")  # counts by itself there


def _organisation(*, is_key: bool = False) -> Column[str]:
    reference = ForeignKey("organisations.id")
    return Column("organisation_id", _Id, reference, primary_key=is_key, nullable=False)


organisations = Table(
    "organisations",
    metadata,
    Column("id", _Id, primary_key=True),  # org_…
    Column("name", _Name, nullable=False),
    Column("created_at", _Time, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),  # usr_…
    Column("email", String(320), nullable=False, unique=True),  # case-folded
    Column("password_hash", Text),  # argon2; null for those that an external issuer signs in
    Column("name", _Name, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("created_at", _Time, nullable=False),
)

external_identities = Table(
    "external_identities",
    metadata,
    Column("issuer", _Name, primary_key=True),
    Column("subject", _Name, primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    Column("created_at", _Time, nullable=False),
    Index(None, "user_id"),
)

memberships = Table(
    "memberships",
    metadata,
    _organisation(is_key=True),
    Column("user_id", _Id, ForeignKey("users.id"), primary_key=True),
    Column("role", String(32), nullable=False),
    Column("created_at", _Time, nullable=False),
    Index(None, "user_id", "created_at"),
)

first_owner_codes = Table(
    "first_owner_codes",
    metadata,
    Column("hash", _Hash, primary_key=True),
    Column("created_at", _Time, nullable=False),
    Column("used_at", _Time),
)

invitations = Table(
    "invitations",
    metadata,
    Column("hash", _Hash, primary_key=True),
    _organisation(),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    Column("created_by", _Id, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Column("used_at", _Time),
    Index(None, "organisation_id", "user_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _Id, primary_key=True),  # key_…
    _organisation(),
    Column("name", _Name, nullable=False),
    Column("key_prefix", String(32), nullable=False),
    Column("key_hash", _Hash, nullable=False, unique=True),
    Column("scopes", _Json, nullable=False),  # a list of permissions
    Column("created_by", _Id, ForeignKey("users.id"), nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time),
    Column("revoked_at", _Time),
    Column("last_used_at", _Time),
    Index(None, "organisation_id", "created_at", "id"),
    Index(None, "created_by"),
)

oauth_codes = Table(
    "oauth_codes",
    metadata,
    Column("hash", _Hash, primary_key=True),
    Column("client_id", _Name, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", String(128), nullable=False),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    _organisation(),
    Column("scopes", _Json),  # a list; null for all that the role allows
    Column("family_id", _Id, nullable=False),  # of the tokens that it is exchanged for
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Column("used_at", _Time),
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    Column("id", _Id, primary_key=True),  # tok_…
    Column("family_id", _Id, nullable=False),  # a login and all that its refresh tokens led to
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    Column("client_id", _Name, nullable=False),
    _organisation(),
    Column("access_hash", _Hash, nullable=False, unique=True),
    Column("refresh_hash", _Hash, unique=True),
    Column("scopes", _Json),  # a list; null for all that the role allows
    Column("issued_at", _Time, nullable=False),
    Column("access_expires_at", _Time, nullable=False),
    Column("refresh_expires_at", _Time),
    Column("revoked_at", _Time),
    Column("replaced_by", _Id),  # the token that its refresh token was exchanged for
    Index(None, "family_id"),
    Index(None, "user_id"),
)

device_codes = Table(
    "device_codes",
    metadata,
    Column("hash", _Hash, primary_key=True),
    Column("user_code", String(16), nullable=False, unique=True),
    Column("client_id", _Name, nullable=False),
    Column("scopes", _Json),  # a list; null for all that the role allows
    Column("status", String(16), nullable=False),  # pending, approved, denied
    Column("user_id", _Id, ForeignKey("users.id")),
    Column("organisation_id", _Id, ForeignKey("organisations.id")),
    Column("interval_seconds", Integer, nullable=False),
    Column("last_polled_at", _Time),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Column("used_at", _Time),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("hash", _Hash, primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Index(None, "user_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", _Id, primary_key=True),  # art_…
    _organisation(),
    Column("sha256", _Hash, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("created_by", _Id, nullable=False),
    UniqueConstraint("organisation_id", "sha256"),
)

flows = Table(
    "flows",
    metadata,
    _organisation(is_key=True),
    Column("name", _Name, primary_key=True),
    Column("version", _Name, primary_key=True),
    Column("namespace", _Name, nullable=False),
    Column("tags", _Json, nullable=False),
    Column("status", String(16), nullable=False),
    Column("spec", Text, nullable=False),  # canonical JSON, as its hash was made of
    Column("content_hash", _Hash, nullable=False),
    Column("artifact_id", _Id, ForeignKey("artifacts.id")),
    Column("created_at", _Time, nullable=False),
    Column("created_by", _Id, nullable=False),
    Index(None, "organisation_id", "created_at", "name", "version"),
    Index(None, "organisation_id", "name", "created_at", "version"),
    Index(None, "organisation_id", "namespace", "created_at", "name", "version"),
    Index(None, "organisation_id", "name", "namespace", "created_at", "version"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", _Id, primary_key=True),  # dep_…
    _organisation(),
    Column("name", _Name, nullable=False),
    Column("flow_name", _Name, nullable=False),
    Column("flow_version", _Name, nullable=False),
    Column("namespace", _Name, nullable=False),
    Column("tags", _Json, nullable=False),
    Column("parameters", _Json, nullable=False),
    Column("artifact_id", _Id, ForeignKey("artifacts.id")),
    Column("created_at", _Time, nullable=False),
    Column("updated_at", _Time, nullable=False),
    UniqueConstraint("organisation_id", "name"),
    ForeignKeyConstraint(
        ["organisation_id", "flow_name", "flow_version"],
        ["flows.organisation_id", "flows.name", "flows.version"],
    ),
    Index(None, "organisation_id", "created_at", "name"),
    Index(None, "organisation_id", "flow_name", "created_at", "name"),
    Index(None, "organisation_id", "namespace", "created_at", "name"),
    Index(None, "organisation_id", "flow_name", "namespace", "created_at", "name"),
)

# The graphs that runs had: a flow may have another one for other parameters.
flow_specs = Table(
    "flow_specs",
    metadata,
    _organisation(is_key=True),
    Column("content_hash", _Hash, primary_key=True),
    Column("spec", Text, nullable=False),  # canonical JSON, as its hash was made of
)

ID_BEGINNING_CHARACTERS = 6
"""How much of the id of a run there has to be for it to be found by its beginning."""

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    _organisation(),
    Column("deployment_name", _Name),
    Column("flow_name", _Name, nullable=False),
    Column("flow_version", _Name, nullable=False),
    Column("spec_hash", _Hash),  # of its own graph; null as long as that of the flow stands for it
    Column("artifact_id", _Id, ForeignKey("artifacts.id")),  # what a worker runs
    Column("status", String(16), nullable=False),
    Column("reason", String(16)),
    Column("error", Text),
    Column("parameters", _Json, nullable=False),
    Column("source", Text),
    Column("environment", _Json, nullable=False),
    Column("resumed_from", String(32)),  # not here, perhaps, if it was executed elsewhere
    Column("created_at", _Time, nullable=False),
    Column("created_by", _Id, nullable=False),
    Column("started_at", _Time),
    Column("ended_at", _Time),
    Column("log_count", BigInteger, nullable=False),  # the number of its last log line
    ForeignKeyConstraint(
        ["organisation_id", "spec_hash"],
        ["flow_specs.organisation_id", "flow_specs.content_hash"],
    ),
    # (A range of ids would be another one in each collation of PostgreSQL.)
    Column(
        "id_beginning",
        String(ID_BEGINNING_CHARACTERS),
        Computed(f"substr(id, 1, {ID_BEGINNING_CHARACTERS})", persisted=True),
    ),
    CheckConstraint("log_count >= 0", name="log_count"),
    Index(None, "organisation_id", "created_at", "id"),
    Index(None, "organisation_id", "id_beginning", "created_at", "id"),
    Index(None, "organisation_id", "status", "created_at", "id"),
    Index(None, "organisation_id", "flow_name", "created_at", "id"),
    Index(None, "organisation_id", "deployment_name", "created_at", "id"),
    Index(None, "organisation_id", "flow_name", "status", "created_at", "id"),
    Index(None, "organisation_id", "deployment_name", "status", "created_at", "id"),
    Index(None, "organisation_id", "deployment_name", "flow_name", "created_at", "id"),
    Index(None, "organisation_id", "deployment_name", "flow_name", "status", "created_at", "id"),
    Index(None, "organisation_id", "started_at", "id"),
    Index(None, "organisation_id", "status", "started_at", "id"),
    Index(None, "organisation_id", "flow_name", "started_at", "id"),
    Index(None, "resumed_from"),
)

# What there is to do for the workers of a server: a run is here from its trigger until it has ended
# and its worker is gone.
work = Table(
    "work",
    metadata,
    Column("run_id", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("queued_at", _Time, nullable=False),
    Column("claims", Integer, nullable=False),  # how many workers have had it
    Column("server", _Id),  # whose disk has the record of it, once there is one
    Column("token_hash", _Hash, unique=True),  # of its worker; null while it has none
    Column("lease_ends_at", _Time),
    Index(None, "token_hash", "queued_at"),
)

# A task that is still PENDING has no row: what it is, the flow's graph says.
task_runs = Table(
    "task_runs",
    metadata,
    Column("run_id", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("task_id", _Name, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", _Time),
    Column("ended_at", _Time),
    Column("error", Text),
    Column("output_bytes", BigInteger),
    Column("map_size", Integer),
    Column("origin", _Json),
)

log_lines = Table(
    "log_lines",
    metadata,
    Column("run_id", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # from 1
    Column("at", _Time, nullable=False),
    Column("level", String(16), nullable=False),
    Column("logger", _Name, nullable=False),
    Column("message", Text, nullable=False),
    Column("task_id", _Name),
    Column("flow_task_id", _Name),  # of the flow's graph: for a child, its mapped task
    Column("attempt", Integer),
    Index(None, "run_id", "flow_task_id", "number"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("organisation_id", _Id, ForeignKey("organisations.id")),  # null for the server's own
    Column("at", _Time, nullable=False),
    Column("actor", _Id, nullable=False),  # a user, an API key, or "server"
    Column("action", String(64), nullable=False),
    Column("target", _Name, nullable=False),
    Column("details", _Json, nullable=False),
    Column("request_id", String(64), nullable=False),
    Index(None, "organisation_id", "id"),
    Index(None, "organisation_id", "action", "id"),
    Index(None, "organisation_id", "actor", "id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", _Id, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", _Hash, nullable=False),  # of method, path and body
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary),  # null where the answer had a secret in it
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Index(None, "expires_at"),
)

readiness = Table(
    "readiness",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # of its only row: 1
    Column("at", _Time, nullable=False),  # the last time that somebody asked
)
