from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy_client._codec import UnfitError, decode, encode, parse_json
from dagy_types import (
    AccessToken,
    Account,
    FailureReason,
    FlowSpec,
    FlowVersion,
    Health,
    HealthStatus,
    LogRecord,
    Origin,
    ReuseReason,
    Role,
    Run,
    RunRequest,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    api_document,
    log_document,
    run_document,
    task_run_document,
)
from dagy_types.errors import UsageError

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
RUN = Run(
    run_id="r1",
    flow_name="daily",
    flow_version="1",
    status=RunStatus.FAILED,
    reason=FailureReason.CRASHED,
    created_at=NOON,
    started_at=NOON,
    ended_at=NOON + timedelta(seconds=1.5),
    parameters={"day": None, "deep": [{"a": 1}]},
    environment={"python": "3.12"},
)
TASK = TaskRun(
    run_id="r1",
    task_id="load",
    name="load",
    status=TaskStatus.SUCCEEDED,
    depends_on=("a", "b"),
    origin=Origin("r0", "load", ReuseReason.RESUMED),
)
LOG = LogRecord(run_id="r1", at=NOON, level="INFO", logger="stdout", message="ü", attempt=1)
FLOW = FlowVersion(
    flow_name="daily",
    flow_spec=FlowSpec(
        name="daily",
        tasks=(TaskSpec(task_id="a", name="a"), TaskSpec(task_id="b", name="b", depends_on=("a",))),
        outputs=("b",),
    ),
)


@pytest.mark.parametrize(
    ("record", "document"),
    [
        (RUN, run_document(RUN)),
        (TASK, task_run_document(TASK)),
        (LOG, log_document(LOG)),
        (FLOW, api_document(FLOW)),
    ],
)
def test_a_record_comes_back_from_its_document(record: Any, document: dict[str, Any]) -> None:
    assert decode(type(record), json.loads(json.dumps(document))) == record


def test_what_a_record_has_no_place_for_is_left_out() -> None:
    """HTTP-09."""
    assert decode(Run, {**run_document(RUN), "run_slug": "x", "new": {"deep": 1}}) == RUN


def test_a_state_of_a_newer_server_prints_itself() -> None:
    """HTTP-09."""
    run = decode(Run, {**run_document(RUN), "status": "PAUSED", "reason": "eclipse"})
    assert (f"{run.status}", f"{run.reason}") == ("PAUSED", "eclipse")
    assert not run.status.is_terminal
    assert run_document(run)["status"] == "PAUSED"
    assert decode(Account, {"user_email": "a", "role": "auditor"}).role == Role.of("auditor")


@pytest.mark.parametrize("left_out", ["reason", "error", "parameters", "environment", "source"])
def test_what_has_a_default_may_be_missing_or_null(left_out: str) -> None:
    """HTTP-09."""
    document = run_document(RUN)
    null = decode(Run, {**document, left_out: None})
    del document[left_out]
    assert decode(Run, document) == null
    assert getattr(null, left_out) in (None, {})


@pytest.mark.parametrize(
    ("kind", "document", "why"),
    [
        (Account, {}, "user_email: Field required"),
        (Account, {"user_email": None}, "user_email: Field required"),
        (Account, {"user_email": 5}, "user_email: Input should be a valid string"),
        (Account, {"user_email": "a", "role": 5}, "it should be text"),
        (Account, [], "it: Input should be a dictionary"),
        (Account, "text", "it: Input should be a dictionary"),
        (AccessToken, {"access_token": "a", "expires_at": "soon"}, "expires_at: "),
        (
            FlowVersion,
            {
                "flow_name": "f",
                "flow_spec": {
                    "name": "f",
                    "tasks": [{"task_id": "a", "name": "a", "depends_on": ["b"]}],
                },
            },
            "depends on 'b', which is not in the flow",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(kind: type, document: Any, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        decode(kind, document)


def test_the_value_that_does_not_fit_is_not_told() -> None:
    with pytest.raises(UnfitError) as caught:
        decode(AccessToken, {"access_token": ["s3cret"], "expires_at": "s3cret"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "expires_at",
    [
        1793534400,
        1793534400.0,
        "2026-11-01T12:00:00Z",
        "2026-11-01T13:00:00+01:00",
        "2026-11-01T12:00:00",
    ],
)
def test_both_published_forms_of_an_expiry_are_read(expires_at: Any) -> None:
    token = decode(AccessToken, {"access_token": "dagy_at_x", "expires_at": expires_at})
    assert token.expires_at == NOON
    assert token.expires_at.utcoffset() == timedelta(0)


def test_a_type_that_is_used_twice_in_a_record_is_read_in_both_places() -> None:
    health = Health(status=HealthStatus.HEALTHY)
    document = {
        **api_document(health),
        "components": [{"name": "s3", "status": "sleepy"}, {"name": "sqs", "status": "degraded"}],
    }
    statuses = [each.status for each in decode(Health, document).components]
    assert statuses == [HealthStatus.of("sleepy"), HealthStatus.DEGRADED]


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(UnfitError, match="it is not JSON"):
        parse_json(body)


def test_a_request_says_only_what_is_given() -> None:
    assert json.loads(encode(RunRequest(deployment_name="d"))) == {
        "deployment_name": "d",
        "parameters": {},
    }
    assert json.loads(encode({"a": None})) == {"a": None}


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="cannot be sent as JSON"):
        encode(RunRequest(deployment_name="d", parameters={"x": value}))
