"""The token of a worker: it speaks of one run, as long as that run is the worker's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dagy_server import Settings
from dagy_server.app import build_app
from dagy_server.clock import SECOND
from dagy_server.database.schema import audit_log, work
from dagy_server.execution import queue
from dagy_server.oauth.secrets import WORKER, new_secret
from dagy_server.routing import PUBLIC, declaration_of
from dagy_server.services import Services

_HERE = "srv_here"
_LEASE_SECONDS = 40
_LEASE = _LEASE_SECONDS * SECOND
_BURST = 20
_LINE = {"at": "2026-11-01T12:00:00Z", "level": "INFO", "logger": "flow", "message": "hello"}
_RUNNING = {"task_runs": [{"task_id": "load", "status": "RUNNING", "attempt": 1}]}


class Worker:
    """The worker of a run, and what it asks."""

    def __init__(self, client: TestClient, claim: queue.Claim) -> None:
        self.client, self.claim = client, claim
        self.run_id, self.artifact_id = claim.run_id, claim.artifact_id
        self.headers = {"Authorization": f"Bearer {claim.token}"}

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        return self.client.request(method, path, headers=self.headers, **sent)

    def get_run(self) -> Any:
        return self.ask("GET", f"/runs/{self.run_id}")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(
        settings, lease_seconds=_LEASE_SECONDS, requests_per_minute=60, request_burst=_BURST
    )


@pytest.fixture
def take(client: TestClient, services: Services, clock: Any) -> Callable[[], Worker]:
    def take() -> Worker:
        with services.database.writing() as connection:
            claim = queue.claim_next(connection, server=_HERE, now=clock(), lease=_LEASE)
        assert claim is not None
        return Worker(client, claim)

    return take


@pytest.fixture
def worker(new_work: Callable[..., str], owner: Any, take: Callable[[], Worker]) -> Worker:
    new_work(owner)
    return take()


@pytest.fixture
def lose(services: Services, clock: Any) -> Callable[[Worker], None]:
    def lose(worker: Worker) -> None:
        with services.database.writing() as connection:
            queue.lose_worker(
                connection, worker.run_id, server=_HERE, now=clock(), token=worker.claim.token
            )

    return lose


@pytest.fixture
def lease_ends_at(services: Services) -> Callable[[], int | None]:
    def lease_ends_at() -> int | None:
        with services.database.reading() as connection:
            return connection.execute(select(work.c.lease_ends_at)).scalar()

    return lease_ends_at


def test_a_worker_reads_and_reports_its_run(worker: Worker) -> None:
    path = f"/runs/{worker.run_id}"
    assert worker.ask("POST", f"{path}/progress", json=_RUNNING).status_code == 200
    assert worker.ask("POST", f"{path}/logs", json={"records": [_LINE]}).status_code == 204
    task = worker.ask("PUT", f"{path}/tasks/load", json={"status": "SUCCEEDED"})
    assert task.status_code == 200
    for what in ("", "/tasks", "/logs", "/flow"):
        assert worker.ask("GET", f"{path}{what}").status_code == 200
    assert worker.get_run().json()["status"] == "RUNNING"


def test_a_worker_gets_the_archive_of_its_run(
    worker: Worker, client: TestClient, owner: Any
) -> None:
    path = f"/artifacts/{worker.artifact_id}"
    answer = worker.ask("GET", path)
    assert answer.status_code == 200
    assert answer.content == client.get(path, headers=owner.headers).content
    assert answer.headers["X-Content-SHA256"] == worker.claim.sha256


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/tasks", None),
        ("GET", "/logs", None),
        ("GET", "/flow", None),
        ("POST", "/progress", _RUNNING),
        ("POST", "/logs", {"records": [_LINE]}),
        ("PUT", "/tasks/load", {"status": "RUNNING"}),
    ],
)
def test_another_run_is_none_of_its_business(
    worker: Worker,
    new_work: Callable[..., str],
    owner: Any,
    other_organisation: Any,
    new_run: Callable[..., str],
    method: str,
    path: str,
    body: Any,
) -> None:
    for other in (new_work(owner), new_run(other_organisation), "zzzzzzzzzzzz"):
        answer = worker.ask(method, f"/runs/{other}{path}", json=body)
        assert answer.status_code == 403
        assert f"The worker of run {worker.run_id!r}" in answer.json()["error"]["message"]


def test_another_archive_is_none_of_its_business(
    worker: Worker, upload: Callable[..., str], owner: Any
) -> None:
    for other in (upload(owner, b"another"), "art_zzzzzzzzzzzzzzzzzzzz"):
        assert worker.ask("GET", f"/artifacts/{other}").status_code == 403


_OF_WORKERS = {
    "runs.get",
    "runs.flow_spec",
    "runs.report",
    "runs.logs",
    "runs.append_logs",
    "task_runs.list",
    "task_runs.report",
    "artifacts.download",
}


def test_a_worker_may_do_nothing_else(worker: Worker, client: TestClient, owner: Any) -> None:
    ids = {"run_id": worker.run_id, "artifact_id": worker.artifact_id, "task_id": "load"}
    ids |= {"name": "packed", "version": "1", "key_id": "key_x", "user_id": owner.user_id}
    ids |= {"sha256": worker.claim.sha256}
    before = worker.get_run().json()
    tried = set()
    for each in build_app().routes:
        declaration = declaration_of(each.endpoint)  # type: ignore[attr-defined]
        assert declaration is not None
        if declaration.needs is PUBLIC or declaration.operation in _OF_WORKERS:
            continue
        answer = worker.ask(declaration.method, declaration.path.format(**ids))
        assert answer.status_code == 403, declaration.path
        tried.add(declaration.operation)
    assert {"runs.list", "runs.cancel", "runs.retry", "flows.list", "members.list", "me"} <= tried
    assert worker.get_run().json() == before
    assert client.get("/runs", headers=owner.headers).json()["items"] == [before]


def test_what_a_worker_changes_is_audited_under_its_run_orch_20(
    worker: Worker, services: Services
) -> None:
    worker.ask("POST", f"/runs/{worker.run_id}/progress", json=_RUNNING)
    with services.database.reading() as connection:
        row = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert row is not None
    assert (row.action, row.actor) == ("run.progressed", f"worker:{worker.run_id}")


# Its lease


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/runs/{run_id}"), ("GET", "/artifacts/{artifact_id}"), ("GET", "/flows")],
)
def test_whatever_a_worker_asks_renews_its_lease_once_a_quarter_is_over(
    worker: Worker,
    clock: Any,
    lease_ends_at: Callable[[], int | None],
    method: str,
    path: str,
) -> None:
    path = path.format(run_id=worker.run_id, artifact_id=worker.artifact_id)
    began = clock()
    clock.advance(_LEASE_SECONDS / 4)
    worker.ask(method, path)
    assert lease_ends_at() == began + _LEASE  # no write for each request
    clock.advance(1)
    worker.ask(method, path)
    assert lease_ends_at() == clock() + _LEASE


def test_a_worker_that_is_late_and_not_given_up_keeps_its_run(
    worker: Worker, clock: Any, lease_ends_at: Callable[[], int | None]
) -> None:
    clock.advance(10 * _LEASE_SECONDS)
    assert worker.get_run().status_code == 200
    assert lease_ends_at() == clock() + _LEASE


def test_what_others_ask_is_no_sign_of_life(
    worker: Worker,
    client: TestClient,
    owner: Any,
    clock: Any,
    lease_ends_at: Callable[[], int | None],
) -> None:
    before = lease_ends_at()
    clock.advance(_LEASE_SECONDS / 2)
    client.get(f"/runs/{worker.run_id}", headers=owner.headers)
    client.get("/runs", headers={"Authorization": f"Bearer {new_secret(WORKER)}"})
    assert lease_ends_at() == before


# The end of a token


def _is_refused(answer: Any) -> bool:
    return (
        answer.status_code == 401
        and answer.json()["error"]["code"] == "auth"
        and 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    )


def test_a_worker_that_is_lost_is_known_no_more(
    worker: Worker,
    lose: Callable[[Worker], None],
    take: Callable[[], Worker],
    lease_ends_at: Callable[[], int | None],
    clock: Any,
) -> None:
    lose(worker)
    assert _is_refused(worker.get_run())
    second = take()
    clock.advance(_LEASE_SECONDS / 2)
    before = lease_ends_at()
    for path, sent in (("progress", _RUNNING), ("logs", {"records": [_LINE]})):
        assert _is_refused(worker.ask("POST", f"/runs/{worker.run_id}/{path}", json=sent))
    assert _is_refused(worker.ask("GET", f"/artifacts/{worker.artifact_id}"))
    assert lease_ends_at() == before
    answer = second.get_run()
    assert (answer.status_code, answer.json()["status"]) == (200, "QUEUED")


def test_a_worker_sees_that_its_run_is_cancelled_until_it_is_gone(
    worker: Worker, client: TestClient, owner: Any, lose: Callable[[Worker], None]
) -> None:
    client.post(f"/runs/{worker.run_id}/cancel", headers=owner.headers)
    assert worker.get_run().json()["status"] == "CANCELLED"
    path = f"/runs/{worker.run_id}/logs"
    assert worker.ask("POST", path, json={"records": [_LINE]}).status_code == 204
    lose(worker)
    assert _is_refused(worker.get_run())


@pytest.mark.parametrize("token", [WORKER, f"{WORKER}x", f"{WORKER}'--"])
def test_a_token_of_no_worker_is_refused(worker: Worker, token: str) -> None:
    worker.headers = {"Authorization": f"Bearer {token}"}
    assert _is_refused(worker.get_run())


# How often it asks


def test_the_requests_of_a_worker_are_not_counted_sec_05(
    worker: Worker, client: TestClient, owner: Any
) -> None:
    answers = [worker.get_run() for _ in range(2 * _BURST)]
    answers.append(worker.ask("GET", "/flows"))
    assert [each.status_code for each in answers] == [200] * 2 * _BURST + [403]
    assert not any("X-RateLimit-Remaining" in each.headers for each in answers)
    assert client.get("/runs", headers=owner.headers).status_code == 200


def test_guesses_of_tokens_are_counted_and_hold_up_no_worker_sec_05(worker: Worker) -> None:
    guesses = Worker(worker.client, replace(worker.claim, token=new_secret(WORKER)))
    answers = [guesses.get_run().status_code for _ in range(_BURST + 2)]
    assert answers == [401] * _BURST + [429] * 2
    assert worker.get_run().status_code == 200
