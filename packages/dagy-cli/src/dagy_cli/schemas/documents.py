"""The document of each command, by the command's words with a dot between them."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_cli.exit_codes import ExitCode
from dagy_cli.schemas.records import (
    API_KEY,
    DEPLOYMENT,
    DURATION,
    FLOW,
    FLOW_SPEC,
    LOG_RECORD,
    RUN,
    RUN_WITH_TASKS,
    SHA256,
    TAGS,
)
from dagy_cli.schemas.shapes import (
    ANYTHING,
    Schema,
    array,
    extended,
    integer,
    mapping,
    moment,
    number,
    one_of,
    optional,
    record,
    text,
    truth,
    without,
)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_EXPIRY = {
    "expires_at": optional(moment("null when nobody knows, or never")),
    "renewable": optional(truth("whether it is renewed by itself")),
}
_STORAGE = {"storage": optional(text("where it is kept")), "encrypted": optional(truth())}

_FILE = record(path=text(), size_bytes=integer(), sha256=SHA256)
_DIFFERENCE = record(what=text(), name=optional(text()), a=ANYTHING, b=ANYTHING)
_BOTH_DURATIONS = record(a=DURATION, b=DURATION)
_VALUE = {"anyOf": [text(), truth(), {"type": "null"}]}
_CONFIG_VALUE = record(key=text(), value=_VALUE, profile=optional(text()))

_DEPLOYED = record(
    deployment_name=text(),
    flow_name=text(),
    flow_version=text(),
    namespace=text(),
    tags=TAGS,
    artifact_id=optional(text()),
    artifact_s3_uri=optional(text()),
    sha256=SHA256,
    content_hash=text(),
    is_changed=truth("whether the server did not have all of it already"),
)
_PLANNED = record(
    deployment_name=text(),
    flow_name=text(),
    flow_version=text(),
    namespace=text(),
    tags=TAGS,
    path=text(),
    size_bytes=integer(),
    sha256=SHA256,
    content_hash=text(),
    would_change=truth(),
    is_uploaded=truth("whether the server has the archive already"),
    is_registered=truth("whether the server has this version already"),
    compared_with=optional(record(flow_name=text(), flow_version=text())),
    tasks=record(added=array(text()), changed=array(text()), removed=array(text())),
)

_ACCOUNT = record(
    user=optional(text()),
    subject=optional(text()),
    organisation=optional(text()),
    organisation_id=optional(text()),
    roles=array(text()),
    scopes=array(text()),
    verified=truth("whether the server has said so"),
    token_source=text(),
    **_STORAGE,
    **_EXPIRY,
    expires_in_seconds=optional(number()),
    server=text(),
    server_source=text(),
    profile=optional(text()),
    profile_source=optional(text()),
)
_LOGIN_STATUS = record(
    profile=text(),
    selected=truth("whether commands use it now"),
    state=text("valid, expired, logged_out, …"),
    source=optional(text()),
    origin=optional(text("the server that it was made for")),
    **_STORAGE,
    **_EXPIRY,
)

_PROFILE = record(
    name=text(),
    default=truth(),
    api_url=optional(text()),
    app_url=optional(text()),
    table_format=optional(text()),
    auth_storage=optional(text()),
    issuer=optional(text()),
    client_id=optional(text()),
    protected=truth(),
    last_updated=optional(text("ISO 8601")),
)

DOCUMENTS: Mapping[str, tuple[int, Schema]] = {
    "api-keys.create": (1, extended(API_KEY, key=text("the secret; shown this once"))),
    "api-keys.list": (1, array(API_KEY)),
    "api-keys.revoke": (1, record(key_id=text(), revoked=truth())),
    "auth.status": (1, array(_LOGIN_STATUS)),
    "auth.token": (1, record(access_token=text("a secret"), server=text(), **_EXPIRY)),
    "build": (
        1,
        record(
            path=text(),
            flow_name=text(),
            flow_version=text(),
            size_bytes=integer(),
            sha256=SHA256,
            content_hash=text(),
            python=text("the version that it was built with"),
            requirements=array(text(), "the files that say what to install"),
            files=array(_FILE),
        ),
    ),
    "build.dry-run": (1, array(_FILE)),
    "config.delete": (1, record(name=text(), deleted=truth())),
    "config.explain": (1, array(record(name=text(), value=optional(text()), source=text()))),
    "config.get": (1, _CONFIG_VALUE),
    "config.list": (1, array(_PROFILE)),
    "config.path": (1, record(path=text(), exists=truth())),
    "config.set": (1, _CONFIG_VALUE),
    "config.unset": (1, _CONFIG_VALUE),
    "deploy": (1, _DEPLOYED),
    "deploy.dry-run": (1, _PLANNED),
    "deployments.list": (1, array(DEPLOYMENT)),
    "deployments.show": (1, DEPLOYMENT),
    "doctor": (
        1,
        array(
            record(
                check=text(),
                state=one_of("ok", "warning", "problem"),
                message=text(),
                hint=optional(text()),
            )
        ),
    ),
    "error": (
        1,
        record(
            error=record(
                code=text("a stable name of its kind"),
                message=text(),
                exit_code={"enum": [code.value for code in ExitCode]},
                hint=optional(text("what to do")),
                request_id=optional(text("of the request that a server refused")),
                report=optional(text("the path of the report of an unexpected error")),
            )
        ),
    ),
    "flows.list": (1, array(without(FLOW, "flow_spec"))),
    "flows.show": (1, FLOW),
    "graph": (1, FLOW_SPEC),
    "login": (
        1,
        record(
            profile=text(),
            server=text(),
            user=optional(text()),
            subject=optional(text()),
            **_EXPIRY,
            **_STORAGE,
        ),
    ),
    "logout": (
        1,
        array(
            record(
                login=text(),
                revoked=truth(),
                reason=optional(text("why it was not revoked")),
                expires_at=optional(moment()),
            )
        ),
    ),
    "logs": (1, array(LOG_RECORD)),
    "replay": (
        1,
        record(
            run_id=text(),
            task_id=text(),
            differences=array(text(), "what is no longer as it was"),
            value=ANYTHING,
        ),
    ),
    "run": (1, RUN_WITH_TASKS),
    "run.detached": (1, RUN),
    "runs.cancel": (1, RUN),
    "runs.diff": (
        1,
        record(
            run_a=text(),
            run_b=text(),
            is_same=truth(),
            first_divergent_task=optional(text()),
            duration_seconds=_BOTH_DURATIONS,
            differences=array(_DIFFERENCE),
            tasks=array(
                record(
                    **{
                        "task_id": text(),
                        "in": one_of("both", "a", "b"),
                        "is_same": truth(),
                        "differences": array(_DIFFERENCE),
                        "duration_seconds": _BOTH_DURATIONS,
                    }
                )
            ),
        ),
    ),
    "runs.list": (1, array(RUN)),
    "runs.push": (1, RUN),
    "runs.resume": (1, RUN_WITH_TASKS),
    "runs.retry": (1, RUN_WITH_TASKS),
    "runs.show": (1, RUN_WITH_TASKS),
    "runs.watch": (1, RUN_WITH_TASKS),
    "schema": (1, array(record(name=text(), version=integer()))),
    "store.backup": (1, record(path=text(), size_bytes=integer())),
    "store.check": (
        1,
        record(
            sound=truth(),
            runs=integer(),
            size_bytes=integer("of the database"),
            problems=array(record(path=text(), problem=text())),
        ),
    ),
    "store.prune": (
        1,
        record(
            dry_run=truth(),
            run_ids=array(text(), "the oldest first"),
            orphans=array(text(), "directories of runs that are not recorded"),
            freed_bytes=integer("of the database"),
        ),
    ),
    "store.repair": (
        1,
        record(
            path=text("of the new record"),
            runs=integer(),
            task_runs=integer(),
            lost=array(text(), "what could not be saved"),
        ),
    ),
    "version": (
        1,
        record(
            packages=mapping(optional(text("null when it is not installed"))),
            python=text(),
            sqlite=text(),
            platform=text(),
        ),
    ),
    "whoami": (1, _ACCOUNT),
}
"""Each document's name, major version, and schema.

A version stays while fields are added; the next one is for one that goes or becomes another.
"""


def schema_of(name: str) -> Schema:
    """Return the whole schema of a document, with its name and version."""
    version, schema = DOCUMENTS[name]
    return {"$schema": _DIALECT, "$id": f"dagy.{name}/{version}", "title": name, **schema}
