"""Lists: page by page, each when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dagy_client import ApiAnswerError, DagyClient, Page
from dagy_client.testing import AnsweredInstead, FakeServer, Script
from dagy_types import Run
from dagy_types.errors import UsageError

Connect = Callable[..., Any]


@pytest.fixture
def many(server: FakeServer, new_run: Callable[..., Run]) -> list[str]:
    ids = [f"r{number:04}" for number in range(2_250)]
    for run_id in ids:
        server.add_run(new_run(run_id))
    return ids[::-1]


def test_a_page_is_fetched_when_it_is_needed(
    connect: Connect, server: FakeServer, many: list[str]
) -> None:
    """HTTP-07."""
    runs = connect().runs.list()
    assert server.requests == []
    taken = [next(runs).run_id for _ in range(1_000)]
    assert len(server.requests) == 1
    taken.append(next(runs).run_id)
    assert len(server.requests) == 2
    assert taken + [run.run_id for run in runs] == many
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("limit", "requests"), [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (5_000, 3)]
)
def test_a_limit_ends_the_requests_exactly(
    connect: Connect, server: FakeServer, many: list[str], limit: int, requests: int
) -> None:
    """HTTP-07."""
    assert [run.run_id for run in connect().runs.list(limit=limit)] == many[:limit]
    assert len(server.requests) == requests
    asked = sum(int(request.query["limit"]) for request in server.requests)
    assert asked == min(limit, 3_000)


def test_a_limit_cannot_be_negative(connect: Connect) -> None:
    with pytest.raises(UsageError, match="limit is -1"):
        connect().runs.list(limit=-1)


def test_what_comes_and_goes_meanwhile_makes_nothing_skipped_or_repeated(
    connect: Connect, server: FakeServer, many: list[str], new_run: Callable[..., Run]
) -> None:
    """HTTP-07."""
    seen = []
    for number, run in enumerate(connect().runs.list()):
        seen.append(run.run_id)
        server.add_run(new_run(f"t{number}"))
        if number == 50:
            for gone in ("r2249", "r2149", "r1250", "r0010"):
                server.remove_run(gone)
    assert seen == [each for each in many if each != "r0010"]


def test_a_cursor_that_comes_again_is_an_error(connect: Connect, server: FakeServer) -> None:
    """HTTP-07."""
    body = b'{"items": [], "next_cursor": "again"}'
    server.faults.extend([AnsweredInstead(200, body, {"Content-Type": "application/json"})] * 5)
    with pytest.raises(ApiAnswerError, match="same cursor twice") as caught:
        list(connect().runs.list())
    assert len(server.requests) == 2
    assert caught.value.request_id == server.requests[1].headers["x-request-id"]


@pytest.mark.parametrize(
    ("document", "page"),
    [
        ([], Page(())),
        ({"items": []}, Page(())),
        ({"items": [], "next_cursor": None}, Page(())),
        ({"items": [], "next_cursor": ""}, Page(())),
        ({"items": [], "next_cursor": "x", "total": 5}, Page((), "x")),
    ],
)
def test_a_page_may_be_less_than_promised(
    scripted: Callable[..., DagyClient], document: Any, page: Page[Run]
) -> None:
    client = scripted(Script(httpx.Response(200, json=document)))
    assert client.with_raw_response.runs.list().value == page


@pytest.mark.parametrize(
    "document", [{}, {"items": None}, {"items": {}}, "x", {"items": [], "next_cursor": 5}, [{}]]
)
def test_what_is_no_page_is_an_error(scripted: Callable[..., DagyClient], document: Any) -> None:
    with pytest.raises(ApiAnswerError, match="does not fit"):
        list(scripted(Script(httpx.Response(200, json=document))).runs.list())


def test_a_problem_on_a_later_page_comes_after_the_items_before_it(
    connect: Connect, server: FakeServer, many: list[str]
) -> None:
    server.faults.extend([None, *[AnsweredInstead(404)]])
    runs = connect().runs.list()
    assert [next(runs).run_id for _ in range(1_000)] == many[:1_000]
    with pytest.raises(Exception, match="404"):
        next(runs)
