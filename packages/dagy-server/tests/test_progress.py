from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.testclient import TestClient

from dagy_server import limits
from dagy_server.database.schema import audit_log, flow_specs, log_lines, task_runs
from dagy_server.services import Services

_AT = "2026-11-01T12:00:00.000000Z"
_LATER = "2026-11-01T12:00:05.000000Z"
_UNKNOWN = "zzzzzzzzzzzz"


def _task(task_id: str = "load", status: str = "RUNNING", **values: Any) -> dict[str, Any]:
    return {"task_id": task_id, "status": status, "attempt": 1, "started_at": _AT, **values}


def _record(message: str = "hello", **values: Any) -> dict[str, Any]:
    return {"at": _AT, "level": "INFO", "logger": "flow", "message": message, **values}


def _end(status: str, **values: Any) -> dict[str, Any]:
    return {"status": status, "ended_at": _LATER, **values}


class OneRun:
    """A run, as its owner reports and sees it."""

    def __init__(self, client: TestClient, member: Any, run_id: str) -> None:
        self.client, self.member, self.run_id = client, member, run_id

    def report(self, **values: Any) -> Any:
        path = f"/runs/{self.run_id}/progress"
        return self.client.post(path, json=values, headers=self.member.headers)

    def get(self, what: str = "") -> Any:
        answer = self.client.get(f"/runs/{self.run_id}{what}", headers=self.member.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def cancel(self) -> None:
        answer = self.client.post(f"/runs/{self.run_id}/cancel", headers=self.member.headers)
        assert answer.status_code == 200, answer.text

    def tasks(self) -> dict[str, Any]:
        return {each["task_id"]: each for each in self.get("/tasks")["items"]}

    def statuses(self) -> dict[str, str]:
        return {task_id: each["status"] for task_id, each in self.tasks().items()}

    def messages(self) -> list[str]:
        return [each["message"] for each in self.get("/logs?limit=200")["items"]]

    def all(self) -> Any:
        return self.get(), self.get("/tasks"), self.get("/logs"), self.get("/flow")


@pytest.fixture
def run(client: TestClient, owner: Any, new_run: Callable[..., str]) -> OneRun:
    return OneRun(client, owner, new_run(owner))


def _other_graph(run: OneRun, **values: Any) -> dict[str, Any]:
    spec: dict[str, Any] = run.get("/flow")
    return {**spec, "tasks": [*spec["tasks"], {"task_id": "more", "name": "more"}], **values}


def test_a_batch_starts_the_run_and_records_its_tasks_and_logs(run: OneRun) -> None:
    answer = run.report(
        started_at="2026-11-01T11:59:58Z",
        source="flows.py:daily",
        environment={"python": "3.12"},
        task_runs=[_task(), _task("save", "SKIPPED", attempt=0, started_at=None)],
        logs=[_record("one", task_id="load", attempt=1), _record("two")],
    )
    assert answer.status_code == 200
    assert answer.json() == {"status": "RUNNING", "log_count": 2}
    document = run.get()
    assert (document["status"], document["source"]) == ("RUNNING", "flows.py:daily")
    assert document["started_at"] == "2026-11-01T11:59:58.000000Z"
    assert document["environment"] == {"python": "3.12"}
    assert list(run.statuses().values()) == ["RUNNING", "PENDING", "SKIPPED", "PENDING"]
    assert run.messages() == ["one", "two"]


def test_a_task_is_recorded_as_it_is_said_to_be(run: OneRun) -> None:
    said = _task("load", "FAILED", attempt=3, ended_at=_LATER, error="no disk", output_bytes=17)
    run.report(task_runs=[{**said, "run_id": run.run_id, "name": "x", "depends_on": ["y"]}])
    assert run.tasks()["load"] == {
        **said,
        "run_id": run.run_id,
        "name": "load",
        "depends_on": [],
        "duration_seconds": 5.0,
        "map_size": None,
        "origin": None,
    }


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, "QUEUED"),
        ({"source": "flows.py:daily"}, "QUEUED"),
        ({"logs": [_record()]}, "QUEUED"),
        ({"started_at": _AT}, "RUNNING"),
        ({"task_runs": [_task()]}, "RUNNING"),
    ],
)
def test_a_run_starts_when_something_of_it_has(run: OneRun, said: Any, status: str) -> None:
    assert run.report(**said).json()["status"] == status
    assert run.get()["status"] == status


def test_a_run_starts_once(run: OneRun, clock: Any) -> None:
    run.report(task_runs=[_task()])
    clock.advance(60)
    run.report(started_at=_LATER)
    assert run.get()["started_at"] == _AT


def test_the_same_batch_again_changes_nothing(run: OneRun, clock: Any) -> None:
    batch = {
        "flow_spec": _other_graph(run),
        "started_at": _AT,
        "source": "flows.py:daily",
        "environment": {"python": "3.12"},
        "task_runs": [
            _task("load", "SUCCEEDED", ended_at=_LATER, output_bytes=17),
            _task("part", map_size=2),
            _task("part[1]"),
        ],
        "logs": [_record("one"), _record("two", task_id="part[1]")],
        "first_log": 1,
        "end": _end("SUCCEEDED"),
    }
    first, before = run.report(**batch), run.all()
    clock.advance(60)
    again = run.report(**batch)
    assert first.json() == again.json() == {"status": "SUCCEEDED", "log_count": 2}
    assert run.all() == before


def test_the_same_batch_from_many_at_once_is_recorded_once(run: OneRun) -> None:
    batch = {
        "flow_spec": _other_graph(run),
        "task_runs": [_task(), _task("part", map_size=1), _task("part[0]")],
        "logs": [_record("one"), _record("two")],
        "first_log": 1,
    }
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: run.report(**batch), range(16)))
    assert [each.json() for each in answers] == [{"status": "RUNNING", "log_count": 2}] * 16
    assert run.messages() == ["one", "two"]


def test_of_a_task_that_is_twice_in_a_batch_the_last_counts(run: OneRun) -> None:
    run.report(task_runs=[_task(), _task("load", "SUCCEEDED", ended_at=_LATER)])
    assert run.statuses()["load"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_task("load", "SUCCEEDED"), _task("load", "RUNNING", attempt=2)),
        (_task("load", "SUCCEEDED"), _task("load", "SUCCEEDED", output_bytes=1)),
        (_task("load", "SKIPPED"), _task()),
        (_task("load", "CANCELLED"), _task()),
        (_task(), _task("load", "PENDING")),
        (_task("load", "RUNNING", attempt=2), _task("load", "FAILED", attempt=1)),
        (_task("load", "FAILED"), _task()),
        (_task("load", "TIMED_OUT"), _task()),
    ],
)
def test_a_task_does_not_become_what_it_was_before(run: OneRun, before: Any, after: Any) -> None:
    assert run.report(task_runs=[before]).status_code == 200
    seen = run.tasks()
    answer = run.report(task_runs=[after])
    assert answer.status_code == 409
    assert "Task 'load'" in answer.json()["error"]["message"]
    assert run.tasks() == seen


def test_a_task_that_failed_is_tried_again(run: OneRun) -> None:
    for status, attempt in (("RUNNING", 1), ("FAILED", 1), ("RUNNING", 2), ("SUCCEEDED", 2)):
        answer = run.report(task_runs=[_task("load", status, attempt=attempt)])
        assert answer.status_code == 200
    assert (run.statuses()["load"], run.tasks()["load"]["attempt"]) == ("SUCCEEDED", 2)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (1, ["1", "2", "3"]),  # all of it is there
        (2, ["1", "2", "3", "c"]),
        (3, ["1", "2", "3", "b", "c"]),
        (4, ["1", "2", "3", "a", "b", "c"]),
        (None, ["1", "2", "3", "a", "b", "c"]),
    ],
)
def test_messages_that_are_there_are_passed_over(
    run: OneRun, first: int | None, expected: list[str]
) -> None:
    run.report(logs=[_record(text) for text in "123"])
    answer = run.report(logs=[_record(text) for text in "abc"], first_log=first)
    assert answer.json()["log_count"] == len(expected)
    assert run.messages() == expected


def test_messages_after_a_gap_are_refused(run: OneRun) -> None:
    run.report(logs=[_record("1")])
    answer = run.report(logs=[_record("3")], first_log=3)
    assert answer.status_code == 409
    assert "has 1 messages" in answer.json()["error"]["message"]
    assert run.messages() == ["1"]


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), max_size=8))
def test_batches_that_overlap_become_the_log_that_they_are_of(
    client: TestClient, owner: Any, new_run: Callable[..., str], batches: list[tuple[int, int]]
) -> None:
    run, known = OneRun(client, owner, new_run(owner)), 0
    for back, size in batches:
        first = max(1, known + 1 - back)
        numbers = range(first, first + size)
        answer = run.report(logs=[_record(str(each)) for each in numbers], first_log=first)
        known = max(known, first + size - 1)
        assert answer.json()["log_count"] == known
    assert run.messages() == [str(number) for number in range(1, known + 1)]


_GOOD = {"task_runs": [_task()], "logs": [_record()], "source": "flows.py:daily"}


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ({"task_runs": [_task(), _task("x")]}, 404),
        ({"task_runs": [_task(), _task("load[0]")]}, 404),
        ({"task_runs": [_task(), _task("part[0]")]}, 404),
        ({"task_runs": [_task(), _task("part", map_size=1), _task("part[1]")]}, 404),
        ({"task_runs": [_task(), _task("part", "PENDING")]}, 409),
        ({"task_runs": [_task(), _task("part", run_id=_UNKNOWN)]}, 422),
        ({"logs": [_record(), _record(task_id="x")]}, 404),
        ({"logs": [_record(), _record(run_id=_UNKNOWN)]}, 422),
        ({"first_log": 2}, 409),
        ({"end": _end("RUNNING")}, 409),
        ({"end": _end("QUEUED")}, 409),
        ({"end": _end("SUCCEEDED", reason="crashed")}, 409),
    ],
)
def test_a_batch_is_recorded_as_a_whole_or_not_at_all(
    run: OneRun, services: Services, bad: Any, status: int
) -> None:
    before = run.all()
    assert run.report(**{**_GOOD, **bad}).status_code == status
    assert run.all() == before
    with services.database.reading() as connection:
        for table in (task_runs, log_lines):
            assert connection.execute(select(table)).all() == []
    assert run.report(**_GOOD).status_code == 200


@pytest.mark.parametrize(
    "end",
    [
        _end("SUCCEEDED"),
        _end("FAILED", error="no disk"),
        _end("FAILED", reason="crashed", error="gone"),
        _end("FAILED", reason="timed_out"),
        _end("CANCELLED"),
    ],
)
def test_a_run_ends_as_it_is_said_and_the_same_end_again_is_known(run: OneRun, end: Any) -> None:
    run.report(started_at=_AT)
    for _ in range(2):
        answer = run.report(end=end)
        assert (answer.status_code, answer.json()["status"]) == (200, end["status"])
        document = run.get()
        assert {"reason": None, "error": None, **end}.items() <= document.items()
        assert document["duration_seconds"] == 5.0


@pytest.mark.parametrize(
    "other",
    [
        _end("FAILED"),
        _end("CANCELLED"),
        _end("SUCCEEDED", ended_at=_AT),
        _end("SUCCEEDED", error="no disk"),
    ],
)
def test_a_run_that_has_ended_does_not_end_otherwise(run: OneRun, other: Any) -> None:
    run.report(started_at=_AT, end=_end("SUCCEEDED"))
    before = run.all()
    answer = run.report(end=other)
    assert answer.status_code == 409
    assert answer.json()["error"]["hint"] == "It has ended."
    assert run.all() == before


@pytest.mark.parametrize("status", ["SUCCEEDED", "CANCELLED"])
def test_only_a_failure_has_a_reason(run: OneRun, status: str) -> None:
    run.report(started_at=_AT)
    answer = run.report(end=_end(status, reason="timed_out"))
    assert answer.status_code == 409
    assert "the reason timed_out" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("status", "expected"), [("FAILED", 200), ("SUCCEEDED", 409)])
def test_a_run_that_has_not_begun_can_fail_and_not_succeed(
    run: OneRun, status: str, expected: int
) -> None:
    assert run.report(logs=[_record("why")], end=_end(status)).status_code == expected
    assert run.messages() == (["why"] if expected == 200 else [])


def test_the_graph_of_a_run_is_that_of_its_flow_until_it_has_another(run: OneRun) -> None:
    spec = run.get("/flow")
    assert [each["task_id"] for each in spec["tasks"]] == ["load", "part", "save", "save-2"]
    other = _other_graph(run)
    assert run.report(flow_spec=other, task_runs=[_task("more")]).status_code == 200
    assert [each["task_id"] for each in run.get("/flow")["tasks"]][-1] == "more"
    assert run.statuses()["more"] == "RUNNING"
    assert run.report(logs=[_record(task_id="more")]).status_code == 200
    assert run.report(flow_spec=run.get("/flow")).status_code == 200


def test_the_graph_of_a_run_is_not_that_of_others(
    run: OneRun, client: TestClient, owner: Any, new_run: Callable[..., str], services: Services
) -> None:
    second, third = (OneRun(client, owner, new_run(owner)) for _ in range(2))
    other = _other_graph(run)
    for each in (run, second):
        assert each.report(flow_spec=other).status_code == 200
    assert second.get("/flow") == run.get("/flow") != third.get("/flow")
    with services.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(flow_specs)).scalar() == 1


@pytest.mark.parametrize("other", [{"name": "weekly"}, {"version": "2"}])
def test_a_graph_has_the_name_and_the_version_of_the_flow(run: OneRun, other: Any) -> None:
    before = run.all()
    answer = run.report(flow_spec=_other_graph(run, **other))
    assert answer.status_code == 409
    assert "is one of daily@1" in answer.json()["error"]["message"]
    assert run.all() == before


def test_the_graph_of_a_run_stays(run: OneRun) -> None:
    spec = run.get("/flow")
    run.report(flow_spec=_other_graph(run))
    answer = run.report(flow_spec=spec)
    assert answer.status_code == 409
    assert "another graph already" in answer.json()["error"]["message"]


def test_children_come_with_their_mapped_task_or_later(run: OneRun) -> None:
    answer = run.report(task_runs=[_task("part[0]", "FAILED"), _task("part", map_size=3)])
    assert answer.status_code == 200
    assert run.report(task_runs=[_task("part[2]")]).status_code == 200
    assert run.report(task_runs=[_task("part[3]")]).status_code == 404
    assert run.statuses() == {
        "load": "PENDING",
        "part": "RUNNING",
        "part[0]": "FAILED",
        "part[1]": "PENDING",
        "part[2]": "RUNNING",
        "save": "PENDING",
        "save-2": "PENDING",
    }


def test_the_longest_name_has_room_for_the_index_of_a_child(run: OneRun) -> None:
    spec = run.get("/flow")
    mapped = "m" * limits.NAME_CHARACTERS
    task = {"task_id": mapped, "name": mapped, "is_mapped": True}
    child = f"{mapped}[99999]"
    answer = run.report(
        flow_spec={**spec, "tasks": [*spec["tasks"], task]},
        task_runs=[_task(mapped, map_size=100_000), _task(child, "FAILED", name=mapped)],
        logs=[_record("no disk", task_id=child, attempt=1)],
    )
    assert answer.status_code == 200, answer.text
    assert run.get(f"/logs?task={child}")["items"][0]["task_id"] == child
    report = {"status": "RUNNING", "attempt": 2}
    path = f"/runs/{run.run_id}/tasks/{child}"
    assert run.client.put(path, json=report, headers=run.member.headers).status_code == 200


@pytest.mark.parametrize("reason", ["resumed", "cached"])
def test_a_reused_task_has_an_origin(run: OneRun, reason: str) -> None:
    origin = {"run_id": "earlier", "task_id": "load", "reason": reason}
    reused = _task("load", "SUCCEEDED", attempt=0, started_at=None, origin=origin)
    for _ in range(2):
        assert run.report(task_runs=[reused]).status_code == 200
    found = run.tasks()["load"]
    assert (found["status"], found["attempt"], found["origin"]) == ("SUCCEEDED", 0, origin)


def test_a_cancelled_run_takes_what_was_said_before_and_no_more(run: OneRun) -> None:
    run.report(task_runs=[_task()])
    run.cancel()
    assert run.report(logs=[_record()]).json() == {"status": "CANCELLED", "log_count": 1}
    before = run.all()
    for more in (
        {"task_runs": [_task("part")], "logs": [_record()]},
        {"task_runs": [_task("load", "SUCCEEDED")]},
        {"end": _end("SUCCEEDED"), "logs": [_record()]},
    ):
        answer = run.report(**more)
        assert answer.status_code == 409
        assert "is CANCELLED" in answer.json()["error"]["message"]
    assert run.all() == before


def _many(count: int, value: str = "x") -> dict[str, str]:
    return {str(number): value for number in range(count)}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"task_runs": [_task()] * (limits.TASK_RUN_BATCH + 1)}, "body.task_runs"),
        ({"task_runs": [{"task_id": "load"}]}, "body.task_runs.0.status"),
        ({"task_runs": [_task(), _task("load", "DONE")]}, "body.task_runs.1.status"),
        ({"task_runs": [_task("")]}, "body.task_runs.0.task_id"),
        ({"task_runs": [_task(attempt=-1)]}, "body.task_runs.0.attempt"),
        ({"task_runs": [_task(attempt="1")]}, "body.task_runs.0.attempt"),
        ({"task_runs": [_task(attempt=2**31)]}, "body.task_runs.0.attempt"),
        ({"task_runs": [_task(started_at=5)]}, "body.task_runs.0.started_at"),
        ({"task_runs": [_task(output_bytes=2**63)]}, "body.task_runs.0.output_bytes"),
        ({"task_runs": [_task(map_size=-1)]}, "body.task_runs.0.map_size"),
        ({"task_runs": [_task(origin={})]}, "body.task_runs.0.origin.run_id"),
        ({"task_runs": [_task(run_id=_UNKNOWN)]}, "body.task_runs.0.run_id"),
        ({"task_runs": [_task(more=1)]}, "body.task_runs.0.more"),
        ({"logs": [_record()] * (limits.LOG_BATCH_RECORDS + 1)}, "body.logs"),
        ({"logs": [_record(), _record(level="info")]}, "body.logs.1.level"),
        ({"logs": [_record(run_id=_UNKNOWN)]}, "body.logs.0.run_id"),
        ({"first_log": 0}, "body.first_log"),
        ({"first_log": "1"}, "body.first_log"),
        ({"first_log": 2**63}, "body.first_log"),
        ({"environment": _many(limits.TAGS + 1)}, "body.environment"),
        ({"environment": {"a": "x" * 257}}, "body.environment.a"),
        ({"environment": {"": "x"}}, "body.environment."),
        ({"source": 5}, "body.source"),
        ({"started_at": "2026-11-01"}, "body.started_at"),
        ({"end": _end("DONE")}, "body.end.status"),
        ({"end": _end("FAILED", reason="bored")}, "body.end.reason"),
        ({"end": {"status": "FAILED"}}, "body.end.ended_at"),
        ({"flow_spec": {}}, "body.flow_spec.name"),
        ({"status": "RUNNING"}, "body.status"),
    ],
)
def test_each_field_is_checked_sec_03(run: OneRun, values: Any, path: str) -> None:
    before = run.all()
    answer = run.report(**values)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"].startswith(path)
    assert run.all() == before


def test_a_batch_has_so_much_sec_04(run: OneRun) -> None:
    children = [_task(f"part[{index}]") for index in range(limits.TASK_RUN_BATCH - 1)]
    answer = run.report(
        task_runs=[_task("part", map_size=len(children)), *children],
        logs=[_record()] * limits.LOG_BATCH_RECORDS,
        environment=_many(limits.TAGS, "x" * limits.TAG_VALUE_CHARACTERS),
    )
    assert answer.json() == {"status": "RUNNING", "log_count": limits.LOG_BATCH_RECORDS}


def test_a_graph_that_cannot_be_is_refused(run: OneRun) -> None:
    spec = _other_graph(run)
    spec["tasks"][0]["depends_on"] = ["save"]
    assert run.report(flow_spec=spec).status_code == 422


def test_a_run_of_another_organisation_is_not_there_sec_02(
    client: TestClient, run: OneRun, other_organisation: Any
) -> None:
    before = run.all()
    theirs = OneRun(client, other_organisation, run.run_id)
    assert theirs.report(**_GOOD).status_code == 404
    path = f"/runs/{run.run_id}/flow"
    assert client.get(path, headers=other_organisation.headers).status_code == 404
    assert run.all() == before


def test_to_read_is_not_to_report(client: TestClient, run: OneRun, viewer: Any) -> None:
    seen = OneRun(client, viewer, run.run_id)
    assert seen.get("/flow") == run.get("/flow")
    assert seen.report(**_GOOD).status_code == 403
    assert run.messages() == []


def test_each_batch_is_audited_orch_20(run: OneRun, owner: Any, services: Services) -> None:
    run.report(task_runs=[_task()], logs=[_record(), _record()])
    run.report(task_runs=[_task(), _task("x")])
    run.report(end=_end("SUCCEEDED"))
    with services.database.reading() as connection:
        rows = connection.execute(
            select(audit_log).where(audit_log.c.action == "run.progressed").order_by(audit_log.c.id)
        ).all()
    assert {(each.actor, each.target) for each in rows} == {(owner.user_id, run.run_id)}
    assert [each.details for each in rows] == [
        {"tasks": 1, "logs": 2, "status": "RUNNING"},
        {"tasks": 0, "logs": 0, "status": "SUCCEEDED"},
    ]
