from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from dagy_server import limits
from dagy_server.database.schema import audit_log, log_lines, runs
from dagy_server.field_types import kept_text
from dagy_server.services import Services

_AT = "2026-11-01T12:00:00.000000Z"


def _record(message: str = "hello", **values: Any) -> dict[str, Any]:
    return {"at": _AT, "level": "INFO", "logger": "flow", "message": message, **values}


@pytest.fixture
def run_id(owner: Any, new_run: Callable[..., str]) -> str:
    return new_run(owner)


@pytest.fixture
def append(client: TestClient, owner: Any, run_id: str) -> Callable[..., Any]:
    def append(*records: Any) -> Any:
        body = json.dumps({"records": records})  # ASCII, which has half characters too
        headers = {**owner.headers, "Content-Type": "application/json"}
        return client.post(f"/runs/{run_id}/logs", content=body, headers=headers)

    return append


@pytest.fixture
def messages(client: TestClient, owner: Any, run_id: str) -> Callable[..., list[str]]:
    def messages(**query: Any) -> list[str]:
        found: list[str] = []
        while True:
            answer = client.get(f"/runs/{run_id}/logs", params=query, headers=owner.headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += [each["message"] for each in page["items"]]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    return messages


def _numbers(services: Services) -> list[int]:
    with services.database.reading() as connection:
        statement = select(log_lines.c.number).order_by(log_lines.c.number)
        return list(connection.execute(statement).scalars())


def test_lines_are_added_and_read_back(
    client: TestClient, owner: Any, run_id: str, append: Callable[..., Any]
) -> None:
    answer = append(_record(run_id=run_id, task_id="part[3]", attempt=2), _record("two\nlines"))
    assert (answer.status_code, answer.content) == (204, b"")
    page = client.get(f"/runs/{run_id}/logs", headers=owner.headers).json()
    assert page["items"][0] == {
        "run_id": run_id,
        "at": _AT,
        "level": "INFO",
        "logger": "flow",
        "task_id": "part[3]",
        "attempt": 2,
        "message": "hello",
    }
    assert page["items"][1]["message"] == "two\nlines"
    assert page["next_cursor"] is None


def test_numbers_have_no_gaps_and_each_run_has_its_own(
    client: TestClient, owner: Any, append: Callable[..., Any], services: Services, new_run: Any
) -> None:
    append(_record(), _record())
    append(_record(), {"at": "never"})  # refused as a whole
    append(_record())
    assert _numbers(services) == [1, 2, 3]
    other = new_run(owner)
    path = f"/runs/{other}/logs"
    client.post(path, json={"records": [_record()]}, headers=owner.headers)
    assert _numbers(services) == [1, 1, 2, 3]


def test_numbers_have_no_gaps_when_several_add_at_once(
    append: Callable[..., Any], services: Services
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: append(_record(), _record(), _record()), range(24)))
    assert {answer.status_code for answer in answers} == {204}
    assert _numbers(services) == list(range(1, 73))
    with services.database.reading() as connection:
        assert connection.execute(select(runs.c.log_count)).scalar() == 72


@pytest.mark.parametrize("limit", [1, 3, 10, 200])
def test_pages_are_the_whole_log(
    append: Callable[..., Any], messages: Callable[..., list[str]], limit: int
) -> None:
    append(*(_record(str(number)) for number in range(10)))
    assert messages(limit=limit) == [str(number) for number in range(10)]


def test_a_page_begins_after_a_number(
    append: Callable[..., Any], messages: Callable[..., list[str]]
) -> None:
    append(*(_record(str(number)) for number in range(1, 11)))
    assert messages(after=7) == ["8", "9", "10"]
    assert messages(after=7, limit=1) == ["8", "9", "10"]
    assert messages(after=2**63 - 1) == []


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("load", ["a"]),
        ("part", ["b", "c", "d"]),
        ("part[1]", ["d"]),
        ("save", ["e", "f"]),
        ("save-2", ["f"]),
    ],
)
def test_lines_are_those_of_a_task_and_its_children(
    append: Callable[..., Any], messages: Callable[..., list[str]], task: str, expected: list[str]
) -> None:
    ids = {"a": "load", "b": "part", "c": "part[0]", "d": "part[1]", "e": "save", "f": "save-2"}
    append(_record("engine"), *(_record(text, task_id=task_id) for text, task_id in ids.items()))
    assert messages(task=task) == expected
    assert messages(task=task, limit=1) == expected


@pytest.mark.parametrize("task", ["x", "", "load[0]", "part[x]"])
def test_lines_of_a_task_that_is_not_there_are_not_found(
    client: TestClient, owner: Any, run_id: str, append: Callable[..., Any], task: str
) -> None:
    path = f"/runs/{run_id}/logs"
    assert client.get(path, params={"task": task}, headers=owner.headers).status_code == 404
    events = {**owner.headers, "Accept": "text/event-stream"}
    assert client.get(path, params={"task": task}, headers=events).status_code == 404
    if task:
        assert append(_record(task_id=task)).status_code == 404


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_in_a_filter_does_more_than_filter_sec_09(
    client: TestClient, owner: Any, run_id: str, task: str, cursor: str
) -> None:
    for query in ({"task": task}, {"cursor": cursor}, {"after": cursor}):
        answer = client.get(f"/runs/{run_id}/logs", params=query, headers=owner.headers)
        assert answer.status_code in (200, 400, 404, 422)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=())))
def test_any_message_is_kept(
    append: Callable[..., Any], messages: Callable[..., list[str]], text: str
) -> None:
    seen = len(messages())
    assert append(_record(text)).status_code == 204
    assert messages(after=seen) == [kept_text(text)]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"at": None}, ".at"),
        ({"at": 5}, ".at"),
        ({"level": ""}, ".level"),
        ({"level": "info"}, ".level"),
        ({"level": "X" * 17}, ".level"),
        ({"logger": None}, ".logger"),
        ({"logger": "x" * 201}, ".logger"),
        ({"logger": "a\r\nb"}, ".logger"),
        ({"message": None}, ".message"),
        ({"message": 5}, ".message"),
        ({"message": "x" * (limits.LOG_MESSAGE_CHARACTERS + 1)}, ".message"),
        ({"task_id": 5}, ".task_id"),
        ({"attempt": -1}, ".attempt"),
        ({"attempt": "1"}, ".attempt"),
        ({"run_id": "zzzzzzzzzzzz"}, ".run_id"),
        ({"number": 5}, ".number"),
    ],
)
def test_each_field_is_checked_sec_03(
    append: Callable[..., Any], services: Services, values: Any, path: str
) -> None:
    answer = append(_record(), _record(**values))
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == f"body.records.1{path}"
    assert _numbers(services) == []


def test_a_batch_has_so_many_records_and_one_at_least_sec_04(
    append: Callable[..., Any], services: Services
) -> None:
    assert append(*[_record()] * limits.LOG_BATCH_RECORDS).status_code == 204
    assert append(*[_record()] * (limits.LOG_BATCH_RECORDS + 1)).status_code == 422
    assert append().status_code == 422
    assert len(_numbers(services)) == limits.LOG_BATCH_RECORDS


def test_each_batch_is_audited_orch_20(append: Callable[..., Any], services: Services) -> None:
    append(_record(), _record())
    append(_record())
    with services.database.reading() as connection:
        rows = connection.execute(select(audit_log).where(audit_log.c.action == "log.appended"))
        assert [each.details for each in rows] == [
            {"first": 1, "last": 2},
            {"first": 3, "last": 3},
        ]


def test_a_key_makes_a_batch_come_once_http_03(
    client: TestClient, owner: Any, run_id: str, services: Services
) -> None:
    headers = {**owner.headers, "Idempotency-Key": "k"}
    for _ in range(2):
        body = {"records": [_record()]}
        answer = client.post(f"/runs/{run_id}/logs", json=body, headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
    assert _numbers(services) == [1]


# Events


@pytest.fixture
def live(listening_server: Callable[..., Any], app: FastAPI, services: Services) -> Iterator[str]:
    """The URL of a real server, for what a client in the same process cannot see."""
    with listening_server(app) as url:
        yield url
        services.stopping.set()


@contextmanager
def _events(url: str, member: Any, run_id: str, **options: Any) -> Iterator[httpx.Response]:
    headers = {**member.headers, "Accept": "text/event-stream", **options.pop("headers", {})}
    with (
        httpx.Client(timeout=60, trust_env=False) as http,
        http.stream("GET", f"{url}/runs/{run_id}/logs", headers=headers, **options) as answer,
    ):
        yield answer


def _parsed(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        if not line:
            if event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def test_a_stream_has_what_is_there_and_ends_when_the_run_has_ended(
    client: TestClient, owner: Any, run_id: str, append: Callable[..., Any], live: str
) -> None:
    append(_record("one"), _record("two"))
    client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    with _events(live, owner, run_id) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        found = list(_parsed(answer.iter_lines()))
    assert [(each["event"], each.get("id")) for each in found] == [
        ("log", "1"),
        ("log", "2"),
        ("end", None),
    ]
    assert json.loads(found[0]["data"]) == {
        "run_id": run_id,
        "at": _AT,
        "level": "INFO",
        "logger": "flow",
        "task_id": None,
        "attempt": None,
        "message": "one",
    }
    assert json.loads(found[2]["data"]) == {"status": "CANCELLED"}


def test_a_line_is_sent_when_it_is_added(
    client: TestClient, owner: Any, run_id: str, append: Callable[..., Any], live: str
) -> None:
    with _events(live, owner, run_id) as answer:
        events = _parsed(answer.iter_lines())
        for number in range(1, 4):
            began = time.monotonic()
            append(_record(str(number)))
            assert next(events)["id"] == str(number)
            assert time.monotonic() - began < 1  # CLI-18
        client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
        assert [each["event"] for each in events] == ["end"]


def test_lines_that_another_process_adds_are_noticed(
    owner: Any, run_id: str, append: Callable[..., Any], live: str, services: Services
) -> None:
    with _events(live, owner, run_id) as answer:
        events = _parsed(answer.iter_lines())
        append(_record())
        assert next(events)["id"] == "1"
        with services.database.writing() as connection:  # tells nobody in this process
            row = connection.execute(select(log_lines)).one()
            connection.execute(log_lines.insert().values({**row._mapping, "number": 2}))
        assert next(events)["id"] == "2"
        with services.database.writing() as connection:
            connection.execute(update(runs).values(status="FAILED"))
        assert next(events)["event"] == "end"


def test_a_stream_of_one_task_has_its_lines_with_their_numbers(
    client: TestClient, owner: Any, run_id: str, append: Callable[..., Any], live: str
) -> None:
    append(_record("a"), _record("b", task_id="load"), _record("c"), _record("d", task_id="load"))
    client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    with _events(live, owner, run_id, params={"task": "load"}) as answer:
        assert [each.get("id") for each in _parsed(answer.iter_lines())] == ["2", "4", None]


@pytest.mark.parametrize(
    ("headers", "params", "ids"),
    [
        ({"Last-Event-ID": "2"}, {}, ["3"]),
        ({}, {"after": "1"}, ["2", "3"]),
        ({"Last-Event-ID": "2"}, {"after": "1"}, ["3"]),
        ({"Last-Event-ID": "99"}, {}, []),
    ],
)
def test_a_stream_goes_on_where_it_was_cut(
    client: TestClient,
    owner: Any,
    run_id: str,
    append: Callable[..., Any],
    live: str,
    headers: dict[str, str],
    params: dict[str, str],
    ids: list[str],
) -> None:
    append(_record(), _record(), _record())
    client.post(f"/runs/{run_id}/cancel", headers=owner.headers)
    with _events(live, owner, run_id, headers=headers, params=params) as answer:
        found = list(_parsed(answer.iter_lines()))
    assert [each["id"] for each in found[:-1]] == ids


def test_an_id_that_no_event_had_is_refused(client: TestClient, owner: Any, run_id: str) -> None:
    headers = {**owner.headers, "Accept": "text/event-stream", "Last-Event-ID": "x"}
    answer = client.get(f"/runs/{run_id}/logs", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == "header.Last-Event-ID"


def test_nothing_is_lost_or_repeated_when_the_connection_is_cut_cli_18(
    client: TestClient, owner: Any, run_id: str, append: Callable[..., Any], live: str
) -> None:
    def write() -> None:
        for first in range(1, 10_001, 250):
            append(*(_record(str(number)) for number in range(first, first + 250)))
        client.post(f"/runs/{run_id}/cancel", headers=owner.headers)

    found: list[int] = []
    cuts = 0
    writer = threading.Thread(target=write)
    writer.start()
    is_over = False
    while not is_over:
        headers = {"Last-Event-ID": str(found[-1])} if found else {}
        until = len(found) + 480 if cuts < 20 else 20_000
        with _events(live, owner, run_id, headers=headers) as answer:
            for event in _parsed(answer.iter_lines()):
                is_over = event["event"] == "end"
                if not is_over:
                    assert json.loads(event["data"])["message"] == event["id"]
                    found.append(int(event["id"]))
                if len(found) == until:
                    cuts += 1
                    break
    writer.join()
    assert cuts == 20
    assert found == list(range(1, 10_001))


def test_a_client_that_is_gone_is_noticed(
    owner: Any, run_id: str, append: Callable[..., Any], live: str, services: Services
) -> None:
    append(_record())
    with _events(live, owner, run_id) as answer:
        parsed = _parsed(answer.iter_lines())  # once that is gone, so is the connection
        assert next(parsed)["id"] == "1"
        assert services.line_signals.count() == 1
    deadline = time.monotonic() + 30
    while services.line_signals.count():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_stops_does_not_wait_for_streams(
    owner: Any,
    run_id: str,
    listening_server: Callable[..., Any],
    app: FastAPI,
    services: Services,
) -> None:
    with listening_server(app) as url, _events(url, owner, run_id) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": heartbeat"
        services.stopping.set()
        assert [each for each in lines if each and not each.startswith(":")] == []


def test_a_viewer_reads_and_does_not_write_and_a_stranger_finds_nothing(
    client: TestClient,
    viewer: Any,
    other_organisation: Any,
    run_id: str,
    append: Callable[..., Any],
    services: Services,
) -> None:
    append(_record())
    path, body = f"/runs/{run_id}/logs", {"records": [_record()]}
    assert len(client.get(path, headers=viewer.headers).json()["items"]) == 1
    assert client.post(path, json=body, headers=viewer.headers).status_code == 403
    events = {**other_organisation.headers, "Accept": "text/event-stream"}
    assert client.get(path, headers=events).status_code == 404
    assert client.get(path, headers=other_organisation.headers).status_code == 404
    assert client.post(path, json=body, headers=other_organisation.headers).status_code == 404
    with services.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(log_lines)).scalar() == 1
