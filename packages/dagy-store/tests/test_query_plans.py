"""How SQLite finds the rows of each statement: by an index, and already in order (STORE-16)."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator

import pytest

import dagy_store
from dagy_store._schema import MIGRATIONS

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
    "_runs.FIND": _RUN,
    "_runs.NEWEST": ["runs by runs_by_time (created_at>?)"],
    "_runs.NEWEST_OF_FLOW": ["runs by runs_by_flow (flow_name=? AND created_at>?)"],
    "_runs.NEWEST_OF_FLOW_WITH_STATUS": [
        "runs by runs_by_flow_and_status (flow_name=? AND status=? AND created_at>?)"
    ],
    "_runs.NEWEST_WITH_STATUS": ["runs by runs_by_status (status=? AND created_at>?)"],
    "_runs.RESUMING": ["runs by runs_by_resumed (resumed_from=?)"],
    "_runs.SPEC": ["flow_specs by sqlite_autoindex_flow_specs_1 (content_hash=?)"],
    "_runs.SPEC_HASH": _RUN,
    "_runs.UNDER_WAY": ["runs by runs_by_status (status=?)"],
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


def test_every_statement_has_its_plan_written_down() -> None:
    assert sorted(_statements()) == sorted(_PLANS)


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
