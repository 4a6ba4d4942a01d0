from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dagy_store import _runs
from dagy_store._database import Database
from dagy_types import (
    FailureReason,
    FlowSpec,
    Run,
    RunEnd,
    RunOrder,
    RunQuery,
    RunStatus,
    select_runs,
)
from dagy_types.errors import ConflictError, NotFoundError, UsageError

NewRun = Callable[..., Run]
At = Callable[[float], datetime]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "dagy.db", busy_timeout_seconds=1, sleep=time.sleep)
    yield database
    database.close()


def _insert(database: Database, spec: FlowSpec, *runs: Run) -> None:
    with database.transaction() as connection:
        for run in runs:
            _runs.insert(connection, run, spec)


def _end(
    database: Database,
    run_id: str,
    at: datetime,
    status: RunStatus = RunStatus.SUCCEEDED,
    **why: Any,
) -> None:
    with database.transaction() as connection:
        _runs.end(connection, run_id, RunEnd(status=status, ended_at=at, **why))


def test_the_newest_come_first_and_equal_times_are_ordered_by_id(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    _insert(
        database,
        spec,
        new_run("old", created_at=at(0)),
        new_run("b", created_at=at(5)),
        new_run("c", created_at=at(5)),
        new_run("a", created_at=at(5)),
    )
    found = _runs.select(database, RunQuery(), limit=3)
    assert [run.run_id for run in found] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("status", "flow_name", "since"),
    list(product([None, RunStatus.SUCCEEDED], [None, "daily"], [None, 10])),
)
def test_filters_combine(
    database: Database,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    status: RunStatus | None,
    flow_name: str | None,
    since: int | None,
) -> None:
    for number, (flow, ends) in enumerate(product(["daily", "hourly"], [True, False])):
        for seconds in (0, 10, 20):
            run_id = f"r{number}-{seconds}"
            _insert(database, spec, new_run(run_id, flow_name=flow, created_at=at(seconds)))
            if ends:
                _end(database, run_id, at(seconds + 1))
    everything = _runs.select(database, RunQuery(), limit=100)
    assert len(everything) == 12
    begin = None if since is None else at(since)
    query = RunQuery(status=status, flow_name=flow_name, since=begin)
    assert _runs.select(database, query, limit=100) == select_runs(query, everything)


def test_a_list_of_none_is_empty_and_of_more_than_any_number_is_all(
    database: Database, spec: FlowSpec, new_run: NewRun
) -> None:
    _insert(database, spec, new_run())
    assert _runs.select(database, RunQuery(), limit=0) == []
    everything = _runs.select(database, RunQuery(), limit=10**30)
    assert everything == [new_run()]


@pytest.mark.parametrize("order", RunOrder)
def test_a_list_goes_on_after_any_run_of_it(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At, order: RunOrder
) -> None:
    for number in range(7):
        begin = at(number // 2)
        run = new_run(f"r{number}", created_at=begin, started_at=begin if number else None)
        _insert(database, spec, run)
    whole = _runs.select(database, RunQuery(order=order), limit=9)
    assert len(whole) == (7 if order.field == "created_at" else 6)
    for number, run in enumerate(whole):
        rest = _runs.select(database, RunQuery(order=order, after=run.run_id), limit=3)
        assert rest == whole[number + 1 :][:3]


@pytest.mark.parametrize(("after", "order"), [("absent", "created"), ("waiting", "started")])
def test_a_list_cannot_go_on_after_a_run_that_it_does_not_have(
    database: Database, spec: FlowSpec, new_run: NewRun, after: str, order: str
) -> None:
    _insert(database, spec, new_run("waiting", status=RunStatus.QUEUED, started_at=None))
    with pytest.raises(NotFoundError, match=f"go on after run '{after}'"):
        _runs.select(database, RunQuery(after=after, order=RunOrder(order)), limit=3)


def test_runs_are_found_by_the_beginning_of_their_ids(
    database: Database, spec: FlowSpec, new_run: NewRun
) -> None:
    _insert(database, spec, *map(new_run, ("ab", "ab1", "abz", "ac", "a")))
    found = _runs.select(database, RunQuery(id_prefix="ab"), limit=9)
    assert sorted(run.run_id for run in found) == ["ab", "ab1", "abz"]


def test_a_spec_is_stored_once_for_all_its_runs(
    database: Database, spec: FlowSpec, new_run: NewRun
) -> None:
    _insert(database, spec, new_run("r1"), new_run("r2"))
    assert database.rows("SELECT count(*) AS n FROM flow_specs")[0]["n"] == 1
    assert _runs.find_spec_hash(database, "r2") == spec.content_hash
    assert _runs.read_spec(database, spec.content_hash) == spec
    assert _runs.find_spec_hash(database, "r3") is None


def test_an_id_is_given_once(database: Database, spec: FlowSpec, new_run: NewRun) -> None:
    _insert(database, spec, new_run(error="first"))
    with pytest.raises(ConflictError, match="already a run 'r1'"):
        _insert(database, spec, new_run(error="second"))
    found = _runs.find(database, "r1")
    assert found is not None
    assert found.error == "first"


def test_parameters_that_are_not_json_are_refused(
    database: Database, spec: FlowSpec, new_run: NewRun
) -> None:
    with pytest.raises(UsageError, match="parameters of run 'r1' cannot be written as JSON"):
        _insert(database, spec, new_run(parameters={"day": object()}))
    assert _runs.find(database, "r1") is None


def test_the_end_of_a_run_is_recorded(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    _insert(database, spec, new_run())
    reason = FailureReason.TIMED_OUT
    _end(database, "r1", at(9), status=RunStatus.FAILED, reason=reason, error="Too slow: \udcff.")
    assert _runs.find(database, "r1") == new_run(
        status=RunStatus.FAILED, reason=reason, error=r"Too slow: \udcff.", ended_at=at(9)
    )


@pytest.mark.parametrize(
    ("begin", "end"),
    [(RunStatus.QUEUED, RunStatus.SUCCEEDED), (RunStatus.QUEUED, RunStatus.RUNNING)],
)
def test_a_run_cannot_end_in_any_way(
    database: Database,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    begin: RunStatus,
    end: RunStatus,
) -> None:
    _insert(database, spec, new_run(status=begin))
    with pytest.raises(ConflictError, match=f"is {begin} and cannot end as {end}"):
        _end(database, "r1", at(9), status=end)


def test_only_a_failed_run_has_a_reason(
    database: Database, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    _insert(database, spec, new_run())
    with pytest.raises(UsageError, match="cannot be SUCCEEDED with the reason crashed"):
        _end(database, "r1", at(9), reason=FailureReason.CRASHED)


def test_a_run_ends_once(database: Database, spec: FlowSpec, new_run: NewRun, at: At) -> None:
    _insert(database, spec, new_run())
    _end(database, "r1", at(9))
    with pytest.raises(ConflictError, match="it is SUCCEEDED"):
        _end(database, "r1", at(10))
    with pytest.raises(ConflictError, match="it is gone"):
        _end(database, "r2", at(10))
