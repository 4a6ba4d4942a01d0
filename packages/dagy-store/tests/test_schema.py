from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import product

import pytest

from dagy_store._schema import MIGRATIONS
from dagy_types import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    RunStatus,
    TaskStatus,
)

_INSERT_RUN = """
INSERT INTO runs (run_id, flow_name, flow_version, spec_hash, status, parameters, created_at)
VALUES ('r1', 'daily', '1', 'hash', ?, '{}', 0)
"""
_INSERT_TASK = "INSERT INTO task_runs (run_id, task_id, status, attempt) VALUES ('r1', 't', ?, 1)"

# From PENDING, which is no row, to each status by legal steps.
_WAYS: dict[TaskStatus, list[TaskStatus]] = {
    TaskStatus.RUNNING: [TaskStatus.RUNNING],
    TaskStatus.SUCCEEDED: [TaskStatus.RUNNING, TaskStatus.SUCCEEDED],
    TaskStatus.FAILED: [TaskStatus.RUNNING, TaskStatus.FAILED],
    TaskStatus.TIMED_OUT: [TaskStatus.RUNNING, TaskStatus.TIMED_OUT],
    TaskStatus.SKIPPED: [TaskStatus.SKIPPED],
    TaskStatus.CANCELLED: [TaskStatus.CANCELLED],
}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    for migration in MIGRATIONS:
        connection.executescript(migration.statements)
    connection.execute("INSERT INTO flow_specs VALUES ('hash', '{}')")
    yield connection
    connection.close()


def _accepts(connection: sqlite3.Connection, statement: str, *values: object) -> bool:
    try:
        connection.execute(statement, values)
    except sqlite3.IntegrityError:
        return False
    return True


@pytest.mark.parametrize(("before", "after"), list(product(RunStatus, RunStatus)))
def test_a_run_changes_status_only_along_the_table(
    database: sqlite3.Connection, before: RunStatus, after: RunStatus
) -> None:
    database.execute(_INSERT_RUN, ("QUEUED",))
    if before is not RunStatus.QUEUED:
        database.execute("UPDATE runs SET status = 'RUNNING'")
    if before.is_terminal:
        database.execute("UPDATE runs SET status = ?", (before.value,))
    accepted = _accepts(database, "UPDATE runs SET status = ?", after.value)
    assert accepted == (after in RUN_TRANSITIONS[before])


@pytest.mark.parametrize("status", RunStatus)
def test_a_new_run_has_not_ended(database: sqlite3.Connection, status: RunStatus) -> None:
    assert _accepts(database, _INSERT_RUN, status.value) == (not status.is_terminal)


@pytest.mark.parametrize(("before", "after"), list(product(_WAYS, TaskStatus)))
def test_a_task_changes_status_only_along_the_table(
    database: sqlite3.Connection, before: TaskStatus, after: TaskStatus
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    first, *rest = _WAYS[before]
    database.execute(_INSERT_TASK, (first.value,))
    for status in rest:
        database.execute("UPDATE task_runs SET status = ?", (status.value,))
    accepted = _accepts(database, "UPDATE task_runs SET status = ?", after.value)
    assert accepted == (after in TASK_TRANSITIONS[before])


@pytest.mark.parametrize("status", TaskStatus)
def test_the_first_row_of_a_task_follows_pending(
    database: sqlite3.Connection, status: TaskStatus
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    accepted = _accepts(database, _INSERT_TASK, status.value)
    assert accepted == (status in TASK_TRANSITIONS[TaskStatus.PENDING])


def test_every_reason_is_known_and_only_a_failed_run_has_one(
    database: sqlite3.Connection,
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    assert not _accepts(database, "UPDATE runs SET reason = 'crashed'")
    database.execute("UPDATE runs SET status = 'FAILED'")
    for reason in FailureReason:
        assert _accepts(database, "UPDATE runs SET reason = ?", reason.value)
    assert not _accepts(database, "UPDATE runs SET reason = 'bored'")


def test_a_task_needs_its_run_and_a_run_its_spec(database: sqlite3.Connection) -> None:
    assert not _accepts(database, _INSERT_TASK, "RUNNING")
    assert not _accepts(database, _INSERT_RUN.replace("'hash'", "'other'"), "RUNNING")


def test_columns_keep_their_types(database: sqlite3.Connection) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    assert not _accepts(database, "UPDATE runs SET created_at = 'yesterday'")


def test_every_table_is_strict(database: sqlite3.Connection) -> None:
    tables = database.execute("PRAGMA table_list").fetchall()
    strict = {name: is_strict for _, name, _, _, _, is_strict in tables}
    assert {name for name in strict if not name.startswith("sqlite_")} == {
        "flow_specs",
        "runs",
        "store",
        "task_runs",
    }
    assert all(is_strict for name, is_strict in strict.items() if not name.startswith("sqlite_"))
