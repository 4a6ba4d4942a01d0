"""How SQLite finds the rows of each statement: by an index, and already in order (STORE-16)."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

import dagy_store
from dagy_store._runs import selection
from dagy_store._schema import MIGRATIONS
from dagy_types import RunOrder, RunQuery, RunStatus

_NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

_RUN = ["runs by sqlite_autoindex_runs_1 (run_id=?)"]
_TASKS_OF_RUN = ["task_runs by PRIMARY KEY (run_id=?)"]
_TASK = ["task_runs by PRIMARY KEY (run_id=? AND task_id=?)"]
_NONE: list[str] = []  # a plain INSERT looks for nothing

# A new statement needs a line here; a line that says SCAN needs a reason.
_PLANS = {
    "_crash.LAST_SIGN_OF_LIFE": [*_RUN, *_TASKS_OF_RUN],
    "_crash._END_RUN": _RUN,
    "_crash._END_TASKS": _TASKS_OF_RUN,
    "_outputs.NEWEST_CACHED": [
        "cache by PRIMARY KEY (key=? AND recorded_at>?)",
        "made by PRIMARY KEY (run_id=? AND task_id=?)",
    ],
    "_outputs.OUTPUTS": [
        "asked by PRIMARY KEY (run_id=? AND task_id=?)",
        "made by PRIMARY KEY (run_id=? AND task_id=?)",
    ],
    "_prune.TASK_COUNT": _TASKS_OF_RUN,
    "_prune._FORGET_CACHED": ["cache by cache_by_task (run_id=?)"],
    "_prune._FORGET_RUN": _RUN,
    "_prune._FORGET_TASKS": _TASKS_OF_RUN,
    "_prune._UNDER_WAY": ["runs by runs_by_status_and_start (status=?)"],
    "_runs.FIND": _RUN,
    "_runs.PLACES": _RUN,
    "_runs.RESUMING": ["runs by runs_by_resumed (resumed_from=?)"],
    "_runs.SPEC": ["flow_specs by sqlite_autoindex_flow_specs_1 (content_hash=?)"],
    "_runs.SPEC_HASH": _RUN,
    "_runs.UNDER_WAY": ["runs by runs_by_status_and_start (status=?)"],
    "_runs._END": _RUN,
    "_runs._INSERT": _NONE,
    "_runs._INSERT_SPEC": _NONE,
    "_runs._STATUS": _RUN,
    "_task_runs.MAP_SIZE": _TASK,
    "_task_runs.OF_RUN": _TASKS_OF_RUN,
    "_task_runs._CACHE": _NONE,
    "_task_runs._HAS_OUTPUT": _TASK,
    "_task_runs._INSERT": _NONE,
    "_task_runs._INSERT_REUSED": ["SCAN CONSTANT ROW", *_TASK],
    "_task_runs._UPDATE": _TASK,
    "_version._DECLARE": _NONE,
    "_version._DECLARED": ["SCAN store"],  # which has one row
}

# Those of the maintenance look at everything, once.
_ONCE = {
    *("_check.OUTPUTS_IN_FILES", "_check.OUTPUTS_IN_ROWS", "_check.RUNS", "_check.SPECS"),
    *("_prune.BUILDS_ON", "_prune.ENDED", "_prune.RUNS", "_prune._FORGET_SPECS"),
    *("_salvage._TRIGGERS", "maintenance.RUNS"),
}


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for migration in MIGRATIONS:
        connection.executescript(migration.statements)
    yield connection
    connection.close()


def _statements() -> dict[str, str]:
    """All statements of the package, by module and name."""
    found = {}
    for module in pkgutil.iter_modules(dagy_store.__path__):
        for name, value in vars(importlib.import_module(f"dagy_store.{module.name}")).items():
            if isinstance(value, str) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b", value):
                found[f"{module.name}.{name}"] = value
    return found


def _plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    """What SQLite looks for, as ``table by index (terms)``; all else as it says it."""
    places: dict[str, None] | list[None] = dict.fromkeys(re.findall(r":(\w+)", statement)) or [
        None
    ] * statement.count("?")
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", places)]
    searches = [
        re.sub(r"^SEARCH (\w+) USING (?:(?:COVERING )?INDEX )?(.*\)).*$", r"\1 by \2", step)
        for step in steps
    ]
    return [
        step for step in searches if not re.fullmatch(r"(CORRELATED )?SCALAR SUBQUERY \d+", step)
    ]


@pytest.mark.parametrize("name", _PLANS)
def test_no_statement_scans_or_sorts(database: sqlite3.Connection, name: str) -> None:
    assert _plan(database, _statements()[name]) == _PLANS[name]


_FILTERS = {"status": RunStatus.FAILED, "flow_name": "daily"}
_INDEXES = {
    ("created_at",): "runs_by_time",
    ("created_at", "status"): "runs_by_status",
    ("created_at", "flow_name"): "runs_by_flow",
    ("created_at", "flow_name", "status"): "runs_by_flow_and_status",
    ("started_at",): "runs_by_start",
    ("started_at", "status"): "runs_by_status_and_start",
    ("started_at", "flow_name"): "runs_by_flow_and_start",
    ("started_at", "flow_name", "status"): "runs_by_flow_and_start",
}


@pytest.mark.parametrize("columns", _INDEXES)
@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("after", [None, "r1"])
def test_a_list_follows_an_index(
    database: sqlite3.Connection, columns: tuple[str, ...], is_descending: bool, after: str | None
) -> None:
    """CLI-28"""
    filters = {name: value for name, value in _FILTERS.items() if name in columns}
    (order,) = (
        each for each in RunOrder if (each.field, each.is_descending) == (columns[0], is_descending)
    )
    plan = _plan(database, selection(RunQuery(**filters, order=order, after=after)))
    assert len(plan) == 1
    assert re.match(rf"(runs by|SCAN runs USING INDEX) {_INDEXES[columns]}( |$)", plan[0])


@pytest.mark.parametrize("columns", [each for each in _INDEXES if each[0] == "created_at"])
def test_a_list_since_a_time_begins_there(
    database: sqlite3.Connection, columns: tuple[str, ...]
) -> None:
    filters = {name: value for name, value in _FILTERS.items() if name in columns}
    terms = [*(f"{name}=?" for name in columns[1:]), "created_at>?"]
    plan = _plan(database, selection(RunQuery(**filters, since=_NOON)))
    assert plan == [f"runs by {_INDEXES[columns]} ({' AND '.join(terms)})"]


@pytest.mark.parametrize(
    ("query", "search"),
    [
        (RunQuery(id_prefix="r1"), "sqlite_autoindex_runs_1 (run_id>? AND run_id<?)"),
        (
            RunQuery(since=_NOON, order=RunOrder.STARTED, status=RunStatus.FAILED),
            "runs_by_status (status=? AND created_at>?)",
        ),
    ],
)
def test_what_is_found_by_one_thing_and_listed_by_another_is_sorted(
    database: sqlite3.Connection, query: RunQuery, search: str
) -> None:
    plan = _plan(database, selection(query))
    assert plan == [f"runs by {search}", "USE TEMP B-TREE FOR ORDER BY"]


def test_every_statement_has_its_plan_written_down() -> None:
    assert sorted(_statements()) == sorted({*_PLANS, *_ONCE})


@pytest.mark.parametrize(
    ("statement", "step"),
    [
        ("SELECT * FROM runs WHERE error = ?", "SCAN runs"),
        (
            "SELECT * FROM runs WHERE flow_name = :name ORDER BY error",
            "USE TEMP B-TREE FOR ORDER BY",
        ),
    ],
)
def test_the_plan_itself_shows_scans_and_sorting(
    database: sqlite3.Connection, statement: str, step: str
) -> None:
    assert step in _plan(database, statement)
