"""What is recorded of runs, and what servers keep."""

from __future__ import annotations

from dagy_cli.schemas.shapes import (
    ANYTHING,
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
)
from dagy_types import FailureReason, ReuseReason, RunStatus, TaskStatus

DURATION = optional(number("in seconds; null until it has ended"))
TAGS = mapping(text())
SHA256 = text("SHA-256, in hexadecimal digits")

RUN = record(
    run_id=text(),
    flow_name=text(),
    flow_version=text(),
    status=one_of(*RunStatus),
    reason=optional(one_of(*FailureReason)),
    error=optional(text("why it failed")),
    created_at=moment(),
    started_at=optional(moment()),
    ended_at=optional(moment()),
    duration_seconds=DURATION,
    parameters=mapping(ANYTHING),
    source=optional(text("PATH.py:FLOW, for a run of this machine")),
    resumed_from=optional(text("the run whose outputs it took over")),
    environment=mapping(ANYTHING, "where it ran"),
)

TASK_RUN = record(
    run_id=text(),
    task_id=text("unique within the run"),
    name=text(),
    status=one_of(*TaskStatus),
    attempt=integer("0 for a task that has not started"),
    depends_on=array(text(), "task ids"),
    started_at=optional(moment()),
    ended_at=optional(moment()),
    duration_seconds=DURATION,
    error=optional(text()),
    output_bytes=optional(integer()),
    map_size=optional(integer("how many children a mapped task has")),
    origin=optional(record(run_id=text(), task_id=text(), reason=one_of(*ReuseReason))),
)

RUN_WITH_TASKS = extended(RUN, tasks=array(TASK_RUN, "in the order of the flow"))

LOG_RECORD = record(
    run_id=text(),
    at=moment(),
    level=text("DEBUG, INFO, WARNING, ERROR or CRITICAL, or as a program calls its own"),
    logger=text("its name; stdout or stderr for what was printed"),
    task_id=optional(text("null for the flow itself")),
    attempt=optional(integer()),
    message=text(),
)

FLOW_SPEC = record(
    name=text(),
    version=text(),
    description=optional(text()),
    tasks=array(
        record(
            task_id=text(),
            name=text(),
            description=optional(text()),
            depends_on=array(text(), "task ids"),
            is_mapped=truth(),
            code_hash=optional(text()),
            tags=TAGS,
        )
    ),
    outputs=array(text(), "task ids"),
    code_hash=optional(text()),
    tags=TAGS,
)

FLOW = record(
    flow_name=text(),
    flow_version=text(),
    namespace=text(),
    tags=TAGS,
    status=text("ACTIVE or INACTIVE"),
    flow_spec=FLOW_SPEC,
    deployment_name=optional(text()),
    artifact_id=optional(text()),
    artifact_s3_uri=optional(text()),
    org_id=optional(text()),
    created_at=optional(moment()),
)

DEPLOYMENT = record(
    deployment_name=text(),
    flow_name=text(),
    flow_version=text(),
    namespace=text(),
    tags=TAGS,
    schedule=optional(text()),
    timezone=optional(text()),
    parameters=mapping(ANYTHING),
    artifact_id=optional(text()),
    created_at=optional(moment()),
    updated_at=optional(moment()),
)

API_KEY = record(
    key_id=text(),
    name=text(),
    key_prefix=text("the first characters of the key"),
    scopes=array(text(), "permissions"),
    created_at=optional(moment()),
    expires_at=optional(moment()),
    last_used_at=optional(moment()),
)
