"""The tables of the store, as numbered migrations.

``user_version`` counts the migrations that a file has had. A migration is never edited once it
was released: add one at the end. What must always hold is checked by the database itself.
"""

from __future__ import annotations

from typing import NamedTuple

APPLICATION_ID = 0x44616779
"""Marks a SQLite file as ours: "Dagy" in ASCII."""

_RUNS_AND_TASKS = """
-- What this file says of itself to other releases, in one row.
CREATE TABLE store (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL,   -- the user_version that this row speaks of
    written_by TEXT NOT NULL,   -- the release of dagy-store that made or last upgraded the file
    min_reader TEXT NOT NULL    -- the oldest release of dagy-store that reads it rightly
) STRICT;

-- Each distinct flow spec once, however many runs it has.
CREATE TABLE flow_specs (
    content_hash TEXT NOT NULL PRIMARY KEY,
    spec TEXT NOT NULL                          -- JSON
) STRICT;

-- All times are microseconds since 1970-01-01 in UTC.
CREATE TABLE runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    flow_name TEXT NOT NULL,
    flow_version TEXT NOT NULL,
    spec_hash TEXT NOT NULL REFERENCES flow_specs (content_hash),
    status TEXT NOT NULL
        CHECK (status IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    reason TEXT CHECK (reason IN ('crashed', 'timed_out')),
    error TEXT,
    parameters TEXT NOT NULL,                   -- a JSON object
    environment TEXT NOT NULL,                  -- a JSON object
    source TEXT,
    resumed_from TEXT REFERENCES runs (run_id),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    CHECK (reason IS NULL OR status = 'FAILED')
) STRICT;

-- One index for each combination of filters, in the order of the list: none sorts or scans. Lists
-- by start are rarer; of those of a flow and a status, the other flows' are not even looked at.
CREATE INDEX runs_by_time ON runs (created_at DESC, run_id DESC);
CREATE INDEX runs_by_status ON runs (status, created_at DESC, run_id DESC);
CREATE INDEX runs_by_flow ON runs (flow_name, created_at DESC, run_id DESC);
CREATE INDEX runs_by_flow_and_status
    ON runs (flow_name, status, created_at DESC, run_id DESC);
CREATE INDEX runs_by_start ON runs (started_at DESC, run_id DESC);
CREATE INDEX runs_by_status_and_start ON runs (status, started_at DESC, run_id DESC);
CREATE INDEX runs_by_flow_and_start ON runs (flow_name, started_at DESC, run_id DESC);

-- Who builds on a run: only where nobody does, it can be removed.
CREATE INDEX runs_by_origin ON runs (resumed_from) WHERE resumed_from IS NOT NULL;

-- A run is resumed by one run at a time.
CREATE UNIQUE INDEX runs_by_resumed ON runs (resumed_from)
WHERE status IN ('QUEUED', 'RUNNING') AND resumed_from IS NOT NULL;

CREATE TRIGGER runs_start BEFORE INSERT ON runs
WHEN NEW.status NOT IN ('QUEUED', 'RUNNING')
BEGIN
    SELECT RAISE(ABORT, 'a new run is QUEUED or RUNNING');
END;

CREATE TRIGGER runs_transition BEFORE UPDATE OF status ON runs
WHEN OLD.status || '>' || NEW.status NOT IN (
    'QUEUED>RUNNING', 'QUEUED>FAILED', 'QUEUED>CANCELLED',
    'RUNNING>SUCCEEDED', 'RUNNING>FAILED', 'RUNNING>CANCELLED'
)
BEGIN
    SELECT RAISE(ABORT, 'this status of a run cannot follow that one');
END;

-- A PENDING task has no row. A row may begin with the start of an attempt, with a start and an end
-- at once, with an end of what never started, or with an origin: that is all that the last two
-- checks say, for a check costs far less than a trigger. No IN, for which SQLite makes a table each
-- time. Long outputs come last, out of the way.
CREATE TABLE task_runs (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    task_id TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    error TEXT,
    map_size INTEGER CHECK (map_size >= 0),
    origin_run_id TEXT,                         -- whose output it reuses
    origin_task_id TEXT,
    origin_reason TEXT,
    serializer TEXT,
    output_bytes INTEGER,
    output BLOB,                                -- NULL when the output is in a file
    PRIMARY KEY (run_id, task_id),
    FOREIGN KEY (origin_run_id, origin_task_id) REFERENCES task_runs (run_id, task_id),
    CHECK (
        CASE status
            WHEN 'SUCCEEDED' THEN (started_at IS NOT NULL OR origin_run_id IS NOT NULL)
                AND ended_at IS NOT NULL
            WHEN 'RUNNING' THEN started_at IS NOT NULL AND ended_at IS NULL
            WHEN 'FAILED' THEN started_at IS NOT NULL AND ended_at IS NOT NULL
            WHEN 'TIMED_OUT' THEN started_at IS NOT NULL AND ended_at IS NOT NULL
            WHEN 'SKIPPED' THEN started_at IS NULL AND ended_at IS NOT NULL
            WHEN 'CANCELLED' THEN ended_at IS NOT NULL
            ELSE FALSE
        END
    ),
    CHECK (
        CASE WHEN origin_run_id IS NULL
            THEN origin_task_id IS NULL AND origin_reason IS NULL
            ELSE origin_task_id IS NOT NULL AND origin_reason IS NOT NULL
                AND (origin_reason = 'resumed' OR origin_reason = 'cached')
                AND status = 'SUCCEEDED' AND started_at IS NULL
                AND output_bytes IS NULL AND output IS NULL
        END
    )
) STRICT, WITHOUT ROWID;

CREATE INDEX task_runs_by_origin ON task_runs (origin_run_id, origin_task_id)
WHERE origin_run_id IS NOT NULL;

-- ROLLBACK, because a statement that may be undone alone is three times as slow.
CREATE TRIGGER task_runs_transition BEFORE UPDATE OF status ON task_runs
WHEN NOT CASE OLD.status
    WHEN 'RUNNING' THEN NEW.status = 'SUCCEEDED' OR NEW.status = 'FAILED'
        OR NEW.status = 'TIMED_OUT' OR NEW.status = 'CANCELLED'
    WHEN 'FAILED' THEN NEW.status = 'RUNNING'
    WHEN 'TIMED_OUT' THEN NEW.status = 'RUNNING'
    ELSE FALSE
END
BEGIN
    SELECT RAISE(ROLLBACK, 'this status of a task cannot follow that one');
END;

-- Which tasks made an output that others may reuse, the newest of a key found at once.
CREATE TABLE cache (
    key TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (key, recorded_at, run_id, task_id),
    FOREIGN KEY (run_id, task_id) REFERENCES task_runs (run_id, task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_by_task ON cache (run_id, task_id);
"""


class Migration(NamedTuple):
    """One step from a version of the store to the next.

    Attributes:
        statements: SQL, without a transaction of its own.
        min_reader: The oldest release of dagy-store whose queries read the result rightly.
    """

    statements: str
    min_reader: str


MIGRATIONS: tuple[Migration, ...] = (Migration(_RUNS_AND_TASKS, min_reader="0.1.0"),)
"""Number ``n`` in this tuple takes a file from ``user_version`` n to n + 1."""
