"""Every limit on what a request may hold, in one table; the README has the same numbers."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

BODY_BYTES = 4 * MIB
"""Of a JSON or form body. Uploads have their own: ``DAGY_SERVER_MAX_ARTIFACT_BYTES``."""

HEADER_BYTES = 64 * KIB
"""Of the path with its query, and of all headers together."""

JSON_DEPTH = 32
"""Of lists and objects inside each other."""

STRING_CHARACTERS = 64 * KIB
"""Of any string in a body."""

NAME_CHARACTERS = 200
"""Of a name: a flow, a version, a deployment, a namespace, a key, a person, a logger."""

TASK_RUN_ID_CHARACTERS = NAME_CHARACTERS + 20
"""A name, and the index of a child of a mapped task."""

DESCRIPTION_CHARACTERS = 4 * KIB

PAGE_ITEMS = 1_000
"""On one page of a list; `PAGE_ITEMS_DEFAULT` without a ``limit``."""

PAGE_ITEMS_DEFAULT = 50

CURSOR_CHARACTERS = 1 * KIB

RUN_ID_CHARACTERS = 32

TAGS = 64
"""On one thing."""

TAG_KEY_CHARACTERS = 64

TAG_VALUE_CHARACTERS = 256

FLOW_TASKS = 10_000

TASK_DEPENDENCIES = 10_000

PARAMETERS = 1_000
"""Of a run or a deployment."""

TASK_RUN_BATCH = 1_000
"""Of the tasks of a run that one report has."""

LOG_BATCH_RECORDS = 1_000

LOG_MESSAGE_CHARACTERS = STRING_CHARACTERS

SCOPES = 64
"""Of an API key."""

IDEMPOTENCY_KEY_CHARACTERS = 255
