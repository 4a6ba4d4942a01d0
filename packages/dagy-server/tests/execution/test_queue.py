from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from dagy_server.clock import SECOND
from dagy_server.database.schema import audit_log, work
from dagy_server.execution import queue
from dagy_server.oauth.secrets import hash_of
from dagy_server.services import Services

_HERE, _ELSEWHERE = "srv_here", "srv_elsewhere"
_LEASE_SECONDS = 30
_LEASE = _LEASE_SECONDS * SECOND


@dataclass
class Queue:
    """The queue, with a transaction and the time for each call."""

    services: Services
    clock: Any

    def claim(self, server: str = _HERE) -> queue.Claim | None:
        with self.services.database.writing() as connection:
            return queue.claim_next(connection, server=server, now=self.clock(), lease=_LEASE)

    def take(self, server: str = _HERE) -> queue.Claim:
        claim = self.claim(server)
        assert claim is not None
        return claim

    def lose(self, run_id: str, *, server: str = _HERE, token: str | None = None) -> None:
        with self.services.database.writing() as connection:
            queue.lose_worker(connection, run_id, server=server, now=self.clock(), token=token)

    def lose_claim(self, claim: queue.Claim) -> None:
        self.lose(claim.run_id, token=claim.token)

    def renew(self, claim: queue.Claim, token: str | None = None) -> None:
        with self.services.database.writing() as connection:
            queue.renew(
                connection,
                claim.run_id,
                token_hash=hash_of(token or claim.token),
                now=self.clock(),
                lease=_LEASE,
            )

    def renew_all(self, server: str = _HERE) -> None:
        with self.services.database.writing() as connection:
            queue.renew_all(connection, server=server, now=self.clock(), lease=_LEASE)

    def withdraw(self, run_id: str) -> None:
        with self.services.database.writing() as connection:
            queue.withdraw(connection, run_id)

    @property
    def late(self) -> list[str]:
        with self.services.database.reading() as connection:
            return list(queue.late_runs(connection, now=self.clock()))

    def has_waiting(self, server: str = _HERE) -> bool:
        with self.services.database.reading() as connection:
            return queue.has_waiting(connection, server)

    def count_claimed(self, server: str = _HERE) -> int:
        with self.services.database.reading() as connection:
            return queue.count_claimed(connection, server)

    @property
    def run_ids(self) -> set[str]:
        with self.services.database.reading() as connection:
            return set(connection.execute(select(work.c.run_id)).scalars())

    def audited(self) -> list[tuple[str, str, str, Any]]:
        """What the queue itself wrote down: all else is done by callers with a request."""
        statement = select(audit_log).where(audit_log.c.request_id == "").order_by(audit_log.c.id)
        with self.services.database.reading() as connection:
            rows = connection.execute(statement).all()
        return [(each.actor, each.action, each.target, each.details) for each in rows]


@pytest.fixture
def waiting(services: Services, clock: Any) -> Queue:
    return Queue(services, clock)


@pytest.fixture
def new(new_work: Callable[..., str], owner: Any) -> Callable[..., str]:
    def new(**values: Any) -> str:
        return new_work(owner, **values)

    return new


@pytest.fixture
def get(client: TestClient, owner: Any) -> Callable[[str], Any]:
    def get(path: str) -> Any:
        return client.get(path, headers=owner.headers).json()

    return get


@pytest.fixture
def post(client: TestClient, owner: Any) -> Callable[..., Any]:
    def post(path: str, body: Any = None) -> Any:
        answer = client.post(path, json=body, headers=owner.headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    return post


def test_a_claim_has_what_a_worker_needs(
    waiting: Queue, new: Callable[..., str], owner: Any
) -> None:
    run_id = new(parameters={"day": 1})
    claim = waiting.take()
    assert (claim.run_id, claim.organisation_id) == (run_id, owner.organisation_id)
    assert claim.number == 1
    assert (claim.parameters, claim.resumed_from) == ({"day": 1}, None)
    assert claim.artifact_id.startswith("art_")
    assert len(claim.sha256) == 64
    assert claim.token not in repr(claim)


def test_what_is_kept_of_a_token_is_its_hash(
    waiting: Queue, new: Callable[..., str], services: Services
) -> None:
    new()
    claim = waiting.take()
    with services.database.reading() as connection:
        row = connection.execute(select(work)).one()
    assert row.token_hash == hash_of(claim.token)
    assert claim.token not in map(str, row)


def test_who_comes_first_is_taken_first(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    run_ids = []
    for _ in range(4):
        run_ids.append(new())
        clock.advance(1)
    assert [waiting.take().run_id for _ in run_ids] == run_ids
    assert waiting.claim() is None


def test_a_run_is_taken_once_however_many_ask_at_once(
    waiting: Queue, new: Callable[..., str]
) -> None:
    run_ids = {new() for _ in range(5)}
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: waiting.claim(), range(16)))
    taken = [each for each in claims if each is not None]
    assert {each.run_id for each in taken} == run_ids
    assert len(taken) == len({each.token for each in taken}) == len(run_ids)


def test_a_run_without_an_archive_does_not_wait(
    waiting: Queue, new_run: Callable[..., str], owner: Any
) -> None:
    new_run(owner)
    assert not waiting.has_waiting()
    assert waiting.claim() is None


def test_a_retry_waits_and_says_what_it_retries(
    waiting: Queue, new: Callable[..., str], post: Callable[..., Any]
) -> None:
    first = new()
    post(f"/runs/{first}/cancel")
    second = post(f"/runs/{first}/retry")["run_id"]
    claim = waiting.take()
    assert (claim.run_id, claim.resumed_from) == (second, first)


def test_how_many_are_waiting_and_claimed_is_known(waiting: Queue, new: Callable[..., str]) -> None:
    assert (waiting.has_waiting(), waiting.count_claimed()) == (False, 0)
    new()
    new()
    assert (waiting.has_waiting(), waiting.count_claimed()) == (True, 0)
    waiting.take()
    assert (waiting.has_waiting(), waiting.count_claimed()) == (True, 1)
    waiting.take()
    assert (waiting.has_waiting(), waiting.count_claimed()) == (False, 2)
    assert waiting.count_claimed(_ELSEWHERE) == 0


def test_a_run_stays_with_the_server_that_has_begun_it(
    waiting: Queue, new: Callable[..., str]
) -> None:
    run_id = new()
    waiting.lose_claim(waiting.take())
    assert not waiting.has_waiting(_ELSEWHERE)
    assert waiting.claim(_ELSEWHERE) is None
    assert waiting.has_waiting()
    assert waiting.take().run_id == run_id


# Leases


def test_a_worker_is_late_when_its_lease_is_over(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    new()
    new()  # one of them waits, and is never late
    claim = waiting.take()
    clock.advance(_LEASE_SECONDS - 1)
    assert waiting.late == []
    clock.advance(1)
    assert waiting.late == [claim.run_id]


def test_a_sign_of_life_renews_the_lease(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    new()
    claim = waiting.take()
    clock.advance(_LEASE_SECONDS - 1)
    waiting.renew(claim)
    clock.advance(_LEASE_SECONDS - 1)
    assert waiting.late == []
    clock.advance(1)
    assert waiting.late == [claim.run_id]


def test_an_earlier_worker_renews_nothing(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    new()
    earlier = waiting.take()
    waiting.lose_claim(earlier)
    waiting.renew(earlier)  # there is no worker now
    assert waiting.take().number == 2
    clock.advance(_LEASE_SECONDS)
    waiting.renew(earlier)
    assert waiting.late == [earlier.run_id]


def test_the_workers_of_a_server_that_was_away_get_time(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    for _ in range(3):
        new()
    here, elsewhere = waiting.take(_HERE).run_id, waiting.take(_ELSEWHERE).run_id
    clock.advance(_LEASE_SECONDS * 10)
    assert set(waiting.late) == {here, elsewhere}
    waiting.renew_all()
    assert waiting.late == [elsewhere]
    clock.advance(_LEASE_SECONDS)
    assert set(waiting.late) == {here, elsewhere}
    assert waiting.has_waiting()  # who waits has no lease


def test_no_lease_is_cut_short(waiting: Queue, new: Callable[..., str], clock: Any) -> None:
    new()
    waiting.take()
    clock.advance(-5)  # a clock that was set back
    waiting.renew_all()
    clock.advance(_LEASE_SECONDS + 4)
    assert waiting.late == []


# Workers that are lost


def test_a_run_whose_worker_is_lost_goes_on_with_the_next(
    waiting: Queue, new: Callable[..., str], get: Callable[[str], Any]
) -> None:
    run_id = new()
    first = waiting.take()
    waiting.lose_claim(first)
    assert waiting.count_claimed() == 0
    second = waiting.take()
    assert (second.run_id, second.number) == (run_id, 2)
    assert second.token != first.token
    assert get(f"/runs/{run_id}")["status"] == "QUEUED"
    assert waiting.audited() == [("server", "run.worker_lost", run_id, {"workers": 1})]


def test_a_run_whose_worker_is_lost_waits_behind_the_others(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    first = new()
    claim = waiting.take()
    clock.advance(1)
    second = new()
    clock.advance(1)
    waiting.lose_claim(claim)
    assert [waiting.take().run_id for _ in range(2)] == [second, first]


def test_a_worker_whose_lease_is_over_is_lost_and_no_sooner(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    run_id = new()
    claim = waiting.take()
    clock.advance(_LEASE_SECONDS - 1)
    waiting.lose(run_id)
    assert (waiting.count_claimed(), waiting.audited()) == (1, [])
    waiting.renew(claim)
    clock.advance(1)
    waiting.lose(run_id)
    assert (waiting.count_claimed(), waiting.audited()) == (1, [])
    clock.advance(_LEASE_SECONDS - 1)
    waiting.lose(run_id)
    assert waiting.count_claimed() == 0
    assert waiting.take().number == 2


def test_a_run_that_loses_too_many_workers_ends_as_crashed(
    waiting: Queue,
    new: Callable[..., str],
    get: Callable[[str], Any],
    post: Callable[..., Any],
    clock: Any,
) -> None:
    run_id = new()
    post(
        f"/runs/{run_id}/progress",
        {"task_runs": [{"task_id": "load", "status": "RUNNING", "attempt": 1}]},
    )
    for number in range(1, queue.MOST_CLAIMS + 1):
        assert get(f"/runs/{run_id}")["status"] == "RUNNING"
        claim = waiting.take()
        assert claim.number == number
        clock.advance(1)
        waiting.lose_claim(claim)
    run = get(f"/runs/{run_id}")
    assert (run["status"], run["reason"], run["error"], run["ended_at"]) == (
        "FAILED",
        "crashed",
        queue.LOST_MESSAGE,
        "2026-11-01T12:00:03.000000Z",
    )
    (task,) = get(f"/runs/{run_id}/tasks")["items"]
    assert (task["status"], task["error"], task["ended_at"]) == (
        "FAILED",
        queue.LOST_MESSAGE,
        run["ended_at"],
    )
    assert waiting.run_ids == set()
    assert [each[1:] for each in waiting.audited()] == [
        ("run.worker_lost", run_id, {"workers": 1}),
        ("run.worker_lost", run_id, {"workers": 2}),
        ("run.crashed", run_id, {"workers": 3}),
    ]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "SKIPPED"])
def test_tasks_that_have_ended_stay_when_their_run_crashes(
    waiting: Queue,
    new: Callable[..., str],
    get: Callable[[str], Any],
    post: Callable[..., Any],
    clock: Any,
    status: str,
) -> None:
    run_id, other = new(), new()
    for each, state in ((run_id, status), (other, "RUNNING")):
        task = {"task_id": "load", "status": state, "attempt": 1}
        post(f"/runs/{each}/progress", {"task_runs": [task]})
    before = [get(f"/runs/{each}/tasks") for each in (run_id, other)]
    for _ in before:
        waiting.take(_ELSEWHERE)
    clock.advance(_LEASE_SECONDS)
    waiting.lose(run_id)
    assert get(f"/runs/{run_id}")["reason"] == "crashed"
    assert [get(f"/runs/{each}/tasks") for each in (run_id, other)] == before


def test_a_run_on_the_disk_of_another_server_ends_as_crashed(
    waiting: Queue, new: Callable[..., str], get: Callable[[str], Any], clock: Any
) -> None:
    run_id = new()
    waiting.take(_ELSEWHERE)
    clock.advance(_LEASE_SECONDS)
    waiting.lose(run_id)
    run = get(f"/runs/{run_id}")
    assert (run["status"], run["reason"]) == ("FAILED", "crashed")
    assert waiting.run_ids == set()
    assert waiting.audited() == [("server", "run.crashed", run_id, {"workers": 1})]


def test_a_later_worker_keeps_the_run_of_an_earlier_one(
    waiting: Queue, new: Callable[..., str]
) -> None:
    new()
    first = waiting.take()
    waiting.lose_claim(first)
    waiting.lose_claim(first)  # nobody has it
    second = waiting.take()
    waiting.lose_claim(first)
    assert waiting.count_claimed() == 1
    waiting.renew(second)
    assert len(waiting.audited()) == 1


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_the_worker_of_a_run_that_has_ended_is_only_cleared_away(
    waiting: Queue,
    new: Callable[..., str],
    get: Callable[[str], Any],
    post: Callable[..., Any],
    status: str,
) -> None:
    run_id = new()
    claim = waiting.take()
    end = {"status": status, "ended_at": "2026-11-01T12:00:00Z"}
    post(f"/runs/{run_id}/progress", {"started_at": end["ended_at"], "end": end})
    before = get(f"/runs/{run_id}")
    assert waiting.run_ids == {run_id}  # its worker may have something to say
    waiting.lose_claim(claim)
    assert waiting.run_ids == set()
    assert get(f"/runs/{run_id}") == before
    assert waiting.audited() == []


def test_a_run_without_a_worker_has_none_to_lose(
    waiting: Queue, new: Callable[..., str], clock: Any
) -> None:
    run_id = new()
    clock.advance(_LEASE_SECONDS)
    for each in (run_id, "zzzzzzzzzzzz"):
        waiting.lose(each)
        waiting.lose(each, token="dagy_wk_none")
    assert waiting.take().number == 1
    assert waiting.audited() == []


# Runs that end


def test_a_run_that_is_withdrawn_waits_no_more_but_keeps_its_worker(
    waiting: Queue, new: Callable[..., str]
) -> None:
    run_ids = {new(), new()}
    claim = waiting.take()
    for each in run_ids:
        waiting.withdraw(each)
    assert waiting.run_ids == {claim.run_id}
    assert waiting.claim() is None


def test_a_run_that_is_cancelled_waits_no_more(
    waiting: Queue, new: Callable[..., str], post: Callable[..., Any]
) -> None:
    run_ids = [new(), new()]
    claim = waiting.take()
    for each in run_ids:
        post(f"/runs/{each}/cancel")
    assert waiting.run_ids == {claim.run_id}
    waiting.lose_claim(claim)
    assert waiting.run_ids == set()


def test_a_run_that_ends_while_it_waits_for_its_next_worker_waits_no_more(
    waiting: Queue, new: Callable[..., str], post: Callable[..., Any]
) -> None:
    run_id = new()
    waiting.lose_claim(waiting.take())
    post(f"/runs/{run_id}/cancel")
    assert waiting.claim() is None
