from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagy_server import Settings
from dagy_server.clock import MINUTE, SECOND
from dagy_server.rate_limits import STRICT, Bucket, Rate, RateLimits, address_name, take_one

_BUCKET = Bucket(per_minute=120, burst=200)


def test_a_full_bucket_gives_as_much_as_it_holds_and_then_what_flows_in() -> None:
    tokens = 200.0
    for _ in range(200):
        tokens, taken = take_one(tokens, 0, _BUCKET)
        assert taken.retry_after_seconds == 0
    tokens, taken = take_one(tokens, 0, _BUCKET)
    assert (taken.remaining, taken.retry_after_seconds) == (0, 1)
    tokens, taken = take_one(tokens, MINUTE // 120, _BUCKET)
    assert taken.retry_after_seconds == 0
    tokens, taken = take_one(tokens, 100 * MINUTE, _BUCKET)
    assert tokens == 199.0


def test_a_clock_that_went_back_takes_nothing_away() -> None:
    assert take_one(5.0, -MINUTE, _BUCKET)[0] == 4.0


@pytest.mark.parametrize(("per_minute", "seconds"), [(1, 60), (7, 9), (120, 1)])
def test_who_has_to_wait_is_told_for_how_long(per_minute: int, seconds: int) -> None:
    bucket = Bucket(per_minute, 1)
    assert take_one(0.0, 0, bucket)[1].retry_after_seconds == seconds
    assert take_one(0.0, seconds * SECOND, bucket)[1].retry_after_seconds == 0


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("203.0.113.7", "address:203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "address:2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "address:203.0.113.7"),
        ("testclient", "address:unknown"),
        (None, "address:unknown"),
    ],
)
def test_an_address_of_ipv6_counts_with_its_network(host: str | None, name: str) -> None:
    assert address_name(host) == name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rate-limits.db"


@pytest.fixture
def limits(path: Path, clock: Any) -> Iterator[RateLimits]:
    limits = RateLimits(path, per_minute=60, burst=3, clock=clock)
    yield limits
    limits.close()


def _drain(limits: RateLimits, sender: str, rate: Rate = Rate.GENERAL) -> int:
    count = 0
    while not limits.take(sender, rate).retry_after_seconds:
        count += 1
    return count


def test_sec_05_nobody_is_held_up_by_anybody_else(limits: RateLimits) -> None:
    assert _drain(limits, "a") == 3
    assert _drain(limits, "b") == 3
    assert _drain(limits, "a", Rate.LOGIN) == STRICT[Rate.LOGIN].burst


def test_sec_05_logins_and_tokens_are_limited_more_strictly() -> None:
    assert STRICT[Rate.LOGIN].burst < STRICT[Rate.TOKEN].burst < 120


def test_sec_05_a_restart_gives_nobody_more(path: Path, limits: RateLimits, clock: Any) -> None:
    _drain(limits, "a")
    limits.close()
    again = RateLimits(path, per_minute=60, burst=3, clock=clock)
    assert again.take("a").retry_after_seconds == 1
    clock.advance(1)
    assert again.take("a").retry_after_seconds == 0
    again.close()


_DRAIN = """
import sys
from pathlib import Path
from dagy_server.rate_limits import RateLimits

now = int(sys.argv[2])
limits = RateLimits(Path(sys.argv[1]), per_minute=60, burst=300, clock=lambda: now)
count = 0
while not limits.take("a").retry_after_seconds:
    count += 1
limits.close()
print(count)
"""


def test_sec_05_two_processes_give_nobody_more(path: Path, clock: Any) -> None:
    limits = RateLimits(path, per_minute=60, burst=300, clock=clock)
    limits.take("a")
    command = [sys.executable, "-c", _DRAIN, str(path), str(clock())]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(counts) == 299
    assert limits.take("a").retry_after_seconds == 1
    limits.close()


def test_buckets_that_are_full_again_are_forgotten(
    path: Path, limits: RateLimits, clock: Any
) -> None:
    limits.take("once")
    clock.advance(3600)
    for _ in range(999):
        limits.take("often")
    connection = sqlite3.connect(path)
    (names,) = zip(*connection.execute("SELECT name FROM buckets"), strict=True)
    connection.close()
    assert names == ("general often",)


def test_a_file_that_is_no_database_is_begun_anew(path: Path, clock: Any) -> None:
    path.write_bytes(b"not a database" * 1000)
    limits = RateLimits(path, per_minute=60, burst=3, clock=clock)
    assert _drain(limits, "a") == 3
    limits.close()


def test_a_file_that_is_damaged_later_is_begun_anew(
    path: Path, limits: RateLimits, clock: Any
) -> None:
    other = sqlite3.connect(path)
    other.execute("DROP TABLE buckets")
    other.commit()
    other.close()
    assert _drain(limits, "a") == 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a server with small limits."""
    return replace(settings, requests_per_minute=60, request_burst=3)


def test_sec_05_every_answer_says_how_much_is_left(client: Any, owner: Any) -> None:
    answers = [client.get("/me", headers=owner.headers) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each.headers["X-RateLimit-Remaining"] for each in answers] == ["2", "1", "0", "0"]
    assert {each.headers["X-RateLimit-Limit"] for each in answers} == {"60"}
    assert answers[3].headers["Retry-After"] == "1"
    assert all("Retry-After" not in each.headers for each in answers[:3])
    assert answers[3].json()["error"]["code"] == "rate_limited"


def test_sec_05_refused_requests_have_the_headers_too(client: Any, owner: Any, viewer: Any) -> None:
    for answer in (
        client.get("/me"),
        client.get("/audit-log", headers=viewer.headers),
        client.get("/flows/none", headers=owner.headers),
    ):
        assert answer.status_code in (401, 403, 404)
        assert answer.headers["X-RateLimit-Limit"] == "60"


def test_sec_05_bad_tokens_use_up_the_address_and_no_good_one(client: Any, owner: Any) -> None:
    bad = {"Authorization": "Bearer dagy_at_no"}
    answers = [client.get("/me", headers=bad).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    assert client.get("/me", headers=owner.headers).status_code == 200


def test_sec_05_each_member_and_each_key_has_a_bucket_of_its_own(
    client: Any, owner: Any, viewer: Any, new_api_key: Callable[..., Any]
) -> None:
    for sender in (owner, viewer, new_api_key(owner), new_api_key(owner)):
        answers = [client.get("/me", headers=sender.headers).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]


def test_sec_05_health_and_the_description_are_not_limited(client: Any) -> None:
    for path in ("/health", "/openapi.json", "/docs"):
        answers = [client.get(path) for _ in range(6)]
        assert {each.status_code for each in answers} == {200}
        assert "X-RateLimit-Limit" not in answers[0].headers


def test_sec_05_guessing_passwords_is_stopped_soon(client: Any) -> None:
    guess = {"email": "owner@example.com", "password": "a guess of mine"}
    answers = [client.post("/auth/login", json=guess).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
