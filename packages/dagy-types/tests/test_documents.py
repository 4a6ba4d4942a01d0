from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_types import (
    FailureReason,
    FlowRegistration,
    FlowSpec,
    Health,
    HealthStatus,
    LogBatch,
    LogRecord,
    Origin,
    ReuseReason,
    Run,
    RunProgress,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    api_document,
    flow_spec_to_json,
    format_time,
    log_document,
    parse_time,
    run_document,
    task_run_document,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
# A day from either end, so that the time exists in UTC too.
moments = st.datetimes(
    datetime(1, 1, 2),
    datetime(9999, 12, 30),
    timezones=zones,
)


@given(moments)
def test_a_time_survives_its_text(moment: datetime) -> None:
    restored = parse_time(format_time(moment))
    assert restored == moment
    assert restored.utcoffset() == timedelta(0)


@given(moments, moments)
def test_the_order_of_texts_is_the_order_of_times(one: datetime, other: datetime) -> None:
    assert (format_time(one) < format_time(other)) == (one < other)
    assert len(format_time(one)) == len(format_time(other))


def test_a_time_is_written_in_utc() -> None:
    paris = timezone(timedelta(hours=1))
    assert format_time(NOON.astimezone(paris)) == "2026-11-01T12:00:00.000000Z"


@pytest.mark.parametrize("text", ["", "noon", "nowZ", "2026-11-01T12:00:00+00:00"])
def test_a_text_that_is_no_time_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time in UTC|Invalid isoformat"):
        parse_time(text)


def test_the_document_of_a_finished_run() -> None:
    run = Run(
        run_id="r1",
        flow_name="daily",
        flow_version="2",
        status=RunStatus.FAILED,
        created_at=NOON,
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=90),
        reason=FailureReason.CRASHED,
        error="The process is gone.",
        parameters={"day": "2026-11-01"},
        source="/flows/daily.py:daily",
        resumed_from="r0",
        environment={"python": "3.12.1"},
    )
    assert run_document(run) == {
        "run_id": "r1",
        "flow_name": "daily",
        "flow_version": "2",
        "status": "FAILED",
        "reason": "crashed",
        "error": "The process is gone.",
        "created_at": "2026-11-01T12:00:00.000000Z",
        "started_at": "2026-11-01T12:00:00.000000Z",
        "ended_at": "2026-11-01T12:01:30.000000Z",
        "duration_seconds": 90.0,
        "parameters": {"day": "2026-11-01"},
        "source": "/flows/daily.py:daily",
        "resumed_from": "r0",
        "environment": {"python": "3.12.1"},
    }


def test_what_a_run_does_not_have_yet_is_null() -> None:
    run = Run(
        run_id="r1",
        flow_name="daily",
        flow_version="2",
        status=RunStatus.QUEUED,
        created_at=NOON,
    )
    document = run_document(run)
    empty = [name for name, value in document.items() if value is None]
    assert empty == [
        "reason",
        "error",
        "started_at",
        "ended_at",
        "duration_seconds",
        "source",
        "resumed_from",
    ]


def test_the_document_of_a_task_run() -> None:
    task_run = TaskRun(
        run_id="r1",
        task_id="load-2",
        name="load",
        status=TaskStatus.SUCCEEDED,
        attempt=3,
        depends_on=("extract",),
        started_at=NOON,
        ended_at=NOON + timedelta(milliseconds=250),
        output_bytes=17,
    )
    assert task_run_document(task_run) == {
        "run_id": "r1",
        "task_id": "load-2",
        "name": "load",
        "status": "SUCCEEDED",
        "attempt": 3,
        "depends_on": ["extract"],
        "started_at": "2026-11-01T12:00:00.000000Z",
        "ended_at": "2026-11-01T12:00:00.250000Z",
        "duration_seconds": 0.25,
        "error": None,
        "output_bytes": 17,
        "map_size": None,
        "origin": None,
    }


def test_the_document_of_a_mapped_task_says_how_many_children_it_has() -> None:
    task_run = TaskRun(
        run_id="r1", task_id="load", name="load", status=TaskStatus.RUNNING, map_size=0
    )
    assert task_run_document(task_run)["map_size"] == 0


@pytest.mark.parametrize("reason", ReuseReason)
def test_the_document_of_a_reused_task_names_whose_output_it_is(reason: ReuseReason) -> None:
    task_run = TaskRun(
        run_id="r1",
        task_id="load",
        name="load",
        status=TaskStatus.SUCCEEDED,
        origin=Origin("r0", "load-2", reason),
    )
    assert task_run_document(task_run)["origin"] == {
        "run_id": "r0",
        "task_id": "load-2",
        "reason": reason.value,
    }


def test_the_document_of_a_log_record() -> None:
    record = LogRecord(
        run_id="r1",
        at=NOON,
        level="INFO",
        logger="stdout",
        message="3 rows",
        task_id="load",
        attempt=1,
    )
    assert log_document(record) == {
        "run_id": "r1",
        "at": "2026-11-01T12:00:00.000000Z",
        "level": "INFO",
        "logger": "stdout",
        "task_id": "load",
        "attempt": 1,
        "message": "3 rows",
    }


@pytest.mark.parametrize(
    ("document", "record", "derived"),
    [
        (
            run_document,
            Run(
                run_id="r",
                flow_name="f",
                flow_version="1",
                status=RunStatus.QUEUED,
                created_at=NOON,
            ),
            {"duration_seconds"},
        ),
        (
            task_run_document,
            TaskRun(run_id="r", task_id="t", name="t", status=TaskStatus.PENDING),
            {"duration_seconds"},
        ),
        (log_document, LogRecord(run_id="r", at=NOON, level="INFO", logger="x", message=""), set()),
    ],
)
def test_a_document_has_every_field_of_its_record(
    document: Callable[..., dict[str, Any]], record: Any, derived: set[str]
) -> None:
    written = document(record)
    assert set(written) == {field.name for field in fields(record)} | derived
    assert json.loads(json.dumps(written)) == written


def test_the_keys_of_an_api_document_are_the_attributes() -> None:
    health = Health(status=HealthStatus.DEGRADED, timestamp=NOON)
    assert api_document(health) == {
        "status": "degraded",
        "version": None,
        "components": [],
        "timestamp": "2026-11-01T12:00:00.000000Z",
    }


def test_a_flow_spec_in_an_api_document_is_its_canonical_json() -> None:
    spec = FlowSpec(
        name="daily",
        tasks=(
            TaskSpec(task_id="extract", name="extract", tags={"team": "data"}),
            TaskSpec(task_id="load", name="load", depends_on=("extract",)),
        ),
        outputs=("load",),
    )
    document = api_document(FlowRegistration(flow_spec=spec))
    assert document["flow_spec"] == json.loads(flow_spec_to_json(spec))


def test_of_log_records_in_an_api_document_only_what_is_known_is_there() -> None:
    record = LogRecord(run_id="r1", at=NOON, level="INFO", logger="stdout", message="hello")
    of_task = replace(record, task_id="t", attempt=2)
    known = {key: value for key, value in log_document(record).items() if value is not None}
    assert known.keys() == {"run_id", "at", "level", "logger", "message"}
    assert api_document(LogBatch(records=(record, of_task))) == {
        "records": [known, log_document(of_task)]
    }


def test_of_task_runs_in_an_api_document_only_what_is_known_is_there() -> None:
    task_run = TaskRun(run_id="r1", task_id="t", name="t", status=TaskStatus.SUCCEEDED, attempt=1)
    ended = replace(task_run, started_at=NOON, ended_at=NOON, depends_on=("u",))
    first, second = api_document(RunProgress(task_runs=(task_run, ended)))["task_runs"]
    assert first.keys() == {"run_id", "task_id", "name", "status", "attempt", "depends_on"}
    expected = {key: task_run_document(ended)[key] for key in (*first, "started_at", "ended_at")}
    assert second == expected
