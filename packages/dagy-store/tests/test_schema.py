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
    ReuseReason,
    RunStatus,
    TaskStatus,
)

_INSERT_RUN = """
INSERT INTO runs (
    run_id, flow_name, flow_version, spec_hash, status, parameters, environment, created_at
) VALUES ('r1', 'daily', '1', 'hash', ?, '{}', '{}', 0)
"""
_INSERT_RESUMING = """
INSERT INTO runs (
    run_id, flow_name, flow_version, spec_hash, status, parameters, environment, created_at,
    resumed_from
) VALUES (?, 'daily', '1', 'hash', 'RUNNING', '{}', '{}', 0, ?)
"""
_INSERT_TASK = """
INSERT INTO task_runs (run_id, task_id, status, attempt, started_at, ended_at)
VALUES ('r1', ?, ?, 1, ?, ?)
"""
_INSERT_REUSED = """
INSERT INTO task_runs (
    run_id, task_id, status, attempt, ended_at, origin_run_id, origin_task_id, origin_reason
) VALUES ('r1', 'reuses', ?, 0, 9, ?, ?, ?)
"""
_UPDATE_TASK = "UPDATE task_runs SET status = ?, ended_at = ?"

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


def _statuses(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT task_id, status FROM task_runs").fetchall())


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


def _times(status: TaskStatus) -> tuple[int | None, int | None]:
    """When a task that was recorded once, with this status, started and ended."""
    has_started = status not in (TaskStatus.SKIPPED, TaskStatus.CANCELLED)
    return (1 if has_started else None, None if status is TaskStatus.RUNNING else 2)


@pytest.mark.parametrize(("before", "after"), list(product(_WAYS, TaskStatus)))
def test_a_task_changes_status_only_along_the_table(
    database: sqlite3.Connection, before: TaskStatus, after: TaskStatus
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    first, *rest = _WAYS[before]
    database.execute(_INSERT_TASK, ("t", first.value, *_times(first)))
    for status in rest:
        database.execute(_UPDATE_TASK, (status.value, 2))
    ended_at = None if after is TaskStatus.RUNNING else 3
    accepted = _accepts(database, _UPDATE_TASK, after.value, ended_at)
    assert accepted == (after in TASK_TRANSITIONS[before])


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("started_at", [None, 1])
@pytest.mark.parametrize("ended_at", [None, 2])
def test_the_first_row_of_a_task_is_a_start_or_an_end_or_both(
    database: sqlite3.Connection,
    status: TaskStatus,
    started_at: int | None,
    ended_at: int | None,
) -> None:
    """A start and an end at once stand for two transitions, and the first of them is RUNNING."""
    database.execute(_INSERT_RUN, ("RUNNING",))
    accepted = _accepts(database, _INSERT_TASK, "t", status.value, started_at, ended_at)
    if started_at is None:
        is_legal = status in (TaskStatus.SKIPPED, TaskStatus.CANCELLED) and ended_at is not None
    elif ended_at is None:
        is_legal = status is TaskStatus.RUNNING
    else:
        is_legal = status in TASK_TRANSITIONS[TaskStatus.RUNNING]
    assert accepted == is_legal


def test_a_task_that_is_refused_takes_its_whole_transaction_with_it(
    database: sqlite3.Connection,
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    database.execute(_INSERT_TASK, ("done", "SUCCEEDED", 1, 2))
    database.execute("BEGIN")
    database.execute(_INSERT_TASK, ("t", "RUNNING", 1, None))
    assert not _accepts(database, "UPDATE task_runs SET status = 'FAILED', ended_at = 3")
    assert not database.in_transaction
    assert _statuses(database) == {"done": "SUCCEEDED"}


@pytest.mark.parametrize("reason", ReuseReason)
def test_a_task_succeeds_at_once_with_the_output_of_another(
    database: sqlite3.Connection, reason: ReuseReason
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    database.execute(_INSERT_TASK, ("made", "SUCCEEDED", 1, 2))
    database.execute(_INSERT_REUSED, ("SUCCEEDED", "r1", "made", reason.value))
    assert _statuses(database) == {"made": "SUCCEEDED", "reuses": "SUCCEEDED"}


@pytest.mark.parametrize(
    "values",
    [
        ("FAILED", "r1", "made", "cached"),
        ("SKIPPED", "r1", "made", "cached"),
        ("SUCCEEDED", "r1", "made", "bored"),
        ("SUCCEEDED", "r1", "made", None),
        ("SUCCEEDED", "r1", None, "cached"),
        ("SUCCEEDED", None, "made", "cached"),
        ("SUCCEEDED", None, None, None),
        ("SUCCEEDED", "r1", "other", "cached"),
        ("SUCCEEDED", "r2", "made", "cached"),
    ],
)
def test_an_origin_is_whole_and_there_and_of_a_task_that_succeeded(
    database: sqlite3.Connection, values: tuple[str | None, ...]
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    database.execute(_INSERT_TASK, ("made", "SUCCEEDED", 1, 2))
    assert not _accepts(database, _INSERT_REUSED, *values)


@pytest.mark.parametrize(
    "change", ["output_bytes = 1", "output = x'31'", "started_at = 1", "status = 'RUNNING'"]
)
def test_a_task_that_reuses_an_output_has_none_of_its_own(
    database: sqlite3.Connection, change: str
) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    database.execute(_INSERT_TASK, ("made", "SUCCEEDED", 1, 2))
    database.execute(_INSERT_REUSED, ("SUCCEEDED", "r1", "made", "cached"))
    update = f"UPDATE task_runs SET {change} WHERE task_id = "
    assert not _accepts(database, update + "'reuses'")
    if "status" not in change:
        assert _accepts(database, update + "'made'")


def test_a_mapped_task_has_no_less_than_no_children(database: sqlite3.Connection) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    database.execute(_INSERT_TASK, ("t", "RUNNING", 1, None))
    assert _accepts(database, "UPDATE task_runs SET map_size = 0")
    assert not _accepts(database, "UPDATE task_runs SET map_size = -1")


def test_a_run_is_resumed_by_one_run_at_a_time(database: sqlite3.Connection) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    assert _accepts(database, _INSERT_RESUMING, "r2", "r1")
    assert not _accepts(database, _INSERT_RESUMING, "r3", "r1")
    assert _accepts(database, _INSERT_RESUMING, "r3", "r2")
    assert _accepts(database, _INSERT_RESUMING, "r4", None)
    assert _accepts(database, _INSERT_RESUMING, "r5", None)
    database.execute("UPDATE runs SET status = 'FAILED' WHERE run_id = 'r2'")
    assert _accepts(database, _INSERT_RESUMING, "r6", "r1")


def test_only_a_run_that_there_is_can_be_resumed(database: sqlite3.Connection) -> None:
    assert not _accepts(database, _INSERT_RESUMING, "r2", "r1")


def test_a_key_may_have_several_outputs_each_of_a_task_that_there_is(
    database: sqlite3.Connection,
) -> None:
    insert = "INSERT INTO cache (key, recorded_at, run_id, task_id) VALUES ('k', ?, 'r1', ?)"
    database.execute(_INSERT_RUN, ("RUNNING",))
    database.execute(_INSERT_TASK, ("t", "SUCCEEDED", 1, 2))
    assert _accepts(database, insert, 2, "t")
    assert _accepts(database, insert, 3, "t")
    assert not _accepts(database, insert, 3, "t")
    assert not _accepts(database, insert, 3, "other")


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
    assert not _accepts(database, _INSERT_TASK, "t", "RUNNING", 1, None)
    assert not _accepts(database, _INSERT_RUN.replace("'hash'", "'other'"), "RUNNING")


def test_columns_keep_their_types(database: sqlite3.Connection) -> None:
    database.execute(_INSERT_RUN, ("RUNNING",))
    assert not _accepts(database, "UPDATE runs SET created_at = 'yesterday'")


def test_every_table_is_strict(database: sqlite3.Connection) -> None:
    tables = database.execute("PRAGMA table_list").fetchall()
    strict = {name: is_strict for _, name, _, _, _, is_strict in tables}
    assert {name for name in strict if not name.startswith("sqlite_")} == {
        "cache",
        "flow_specs",
        "runs",
        "store",
        "task_runs",
    }
    assert all(is_strict for name, is_strict in strict.items() if not name.startswith("sqlite_"))
