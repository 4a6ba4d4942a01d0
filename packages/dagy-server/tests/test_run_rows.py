"""How the database finds the rows of lists: by an index, and already in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.dialects import sqlite

from dagy_server.database.engine import Database
from dagy_server.database.schema import deployments, flows, log_lines, runs
from dagy_server.database.versions import prepare_database
from dagy_server.flow_versions import NEWEST
from dagy_server.listing import Listing
from dagy_server.logs import line_listing
from dagy_server.run_rows import run_listing
from dagy_types import RunOrder, RunQuery, RunStatus

_FILTERS: Mapping[str, Any] = {
    "status": RunStatus.FAILED,
    "flow_name": "daily",
    "deployment_name": "nightly",
    "since": datetime(2026, 11, 1, tzinfo=timezone.utc),
}
_COMBINATIONS = list(chain.from_iterable(combinations(_FILTERS, size) for size in range(5)))
_INDEXED = {
    "status": "status=?",
    "flow_name": "flow_name=?",
    "deployment_name": "deployment_name=?",
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    path: Path = tmp_path_factory.mktemp("plans") / "plans.db"
    database = Database(f"sqlite:///{path}")
    prepare_database(database)
    with database.reading() as connection:
        yield connection
    database.close()


def _plan(connection: Connection, statement: Any) -> str:
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
    return "; ".join(step[3] for step in steps)


@pytest.mark.parametrize("names", _COMBINATIONS)
@pytest.mark.parametrize("after", [None, (5, "abc")])
def test_each_combination_of_filters_of_runs_has_an_index(
    connection: Connection, names: tuple[str, ...], after: Any
) -> None:
    listing = _listing(names)
    plan = _plan(connection, listing.after(after, limit=51))
    found = re.fullmatch(r"SEARCH runs USING INDEX \S+ \((.*)\)", plan)
    assert found, plan
    terms = set(re.sub(r" AND (\(|created_at)", r"; \1", found[1]).split("; ")[0].split(" AND "))
    assert terms == {"organisation_id=?", *(_INDEXED[name] for name in names if name in _INDEXED)}
    if after or "since" in names:
        assert "created_at" in found[1]


def _listing(names: tuple[str, ...], **more: Any) -> Listing:
    chosen = {name: _FILTERS[name] for name in names}
    deployment_name = chosen.pop("deployment_name", None)
    return run_listing("org_a", RunQuery(**chosen, **more), deployment_name=deployment_name)


@pytest.mark.parametrize("names", [(), ("status",), ("flow_name",)])
@pytest.mark.parametrize("order", [RunOrder.STARTED, RunOrder.STARTED_DESCENDING])
@pytest.mark.parametrize("after", [None, (5, "abc")])
def test_lists_by_start_have_an_index(
    connection: Connection, names: tuple[str, ...], order: RunOrder, after: Any
) -> None:
    plan = _plan(connection, _listing(names, order=order).after(after, limit=51))
    terms = " AND ".join(["organisation_id=?", *(_INDEXED[name] for name in names)])
    _require_search(plan, "runs", f"{terms} AND started_at>?" if not after else terms)


def test_the_beginning_of_an_id_has_an_index(connection: Connection) -> None:
    plan = _plan(connection, _listing((), id_prefix="abcdefgh").after(None, limit=2))
    _require_search(plan, "runs", "organisation_id=? AND id_beginning=?")


@pytest.mark.parametrize("after", [None, (5, "a", "b")])
@pytest.mark.parametrize(
    ("column", "terms"),
    [
        (None, "organisation_id=?"),
        (flows.c.namespace, "organisation_id=? AND namespace=?"),
    ],
)
def test_each_filter_of_flows_has_an_index(
    connection: Connection, column: Any, terms: str, after: Any
) -> None:
    statement = select(flows).where(flows.c.organisation_id == "org_a")
    if column is not None:
        statement = statement.where(column == "x")
    keys = (flows.c.created_at, flows.c.name, flows.c.version)
    plan = _plan(connection, Listing(statement, keys).after(after, limit=5))
    _require_search(plan, "flows", terms)


@pytest.mark.parametrize("after", [None, (5, "b")])
@pytest.mark.parametrize("has_namespace", [False, True])
def test_the_versions_of_a_flow_have_an_index(
    connection: Connection, after: Any, has_namespace: bool
) -> None:
    statement = select(flows).where(flows.c.organisation_id == "org_a", flows.c.name == "daily")
    terms = "organisation_id=? AND name=?"
    if has_namespace:
        statement = statement.where(flows.c.namespace == "x")
        terms += " AND namespace=?"
    keys = (flows.c.created_at, flows.c.version)
    plan = _plan(connection, Listing(statement, keys).after(after, limit=5))
    _require_search(plan, "flows", terms)


def test_the_newest_version_is_found_by_an_index(connection: Connection) -> None:
    plan = _plan(connection, NEWEST.params(organisation="org_a", flow="daily"))
    _require_search(plan, "flows", "organisation_id=? AND name=?")


@pytest.mark.parametrize("after", [None, (5, "a")])
@pytest.mark.parametrize(
    "columns",
    [
        (),
        (deployments.c.flow_name,),
        (deployments.c.namespace,),
        (deployments.c.flow_name, deployments.c.namespace),
    ],
)
def test_each_combination_of_filters_of_deployments_has_an_index(
    connection: Connection, columns: tuple[Any, ...], after: Any
) -> None:
    statement = select(deployments).where(
        deployments.c.organisation_id == "org_a", *(each == "x" for each in columns)
    )
    keys = (deployments.c.created_at, deployments.c.name)
    plan = _plan(connection, Listing(statement, keys).after(after, limit=5))
    terms = " AND ".join(["organisation_id=?", *(f"{each.name}=?" for each in columns)])
    _require_search(plan, "deployments", terms)


@pytest.mark.parametrize("task_ids", [None, ("load",)])
def test_lines_are_found_by_an_index(connection: Connection, task_ids: Any) -> None:
    plan = _plan(connection, line_listing("abc", task_ids).after((5,), limit=5))
    terms = (
        "run_id=? AND number>?" if task_ids is None else "run_id=? AND flow_task_id=? AND number>?"
    )
    _require_search(plan, "log_lines", terms)


def test_the_run_that_resumes_another_is_found_by_an_index(connection: Connection) -> None:
    statement = select(runs.c.id).where(runs.c.resumed_from == "abc", runs.c.status.in_(["QUEUED"]))
    _require_search(_plan(connection, statement), "runs", "resumed_from=?")


def test_the_plan_itself_shows_scans_and_sorting(connection: Connection) -> None:
    assert "SCAN" in _plan(connection, select(log_lines).where(log_lines.c.message == "x"))
    statement = select(runs).where(runs.c.organisation_id == "a").order_by(runs.c.error)
    assert "TEMP B-TREE" in _plan(connection, statement)


def _require_search(plan: str, table: str, terms: str) -> None:
    found = re.fullmatch(rf"SEARCH {table} USING (?:INDEX \S+|PRIMARY KEY) \((.*)\)", plan)
    assert found and found[1].startswith(terms), plan
