"""The same calls by dagy-client and by bare httpx with pydantic, blocking and awaited."""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from pydantic import TypeAdapter

from dagy_client import AsyncDagyClient, DagyClient
from dagy_types import Run

LISTED = 100
FLOW = "nightly"

_WARM_UP_CALLS = 20


@dataclass(frozen=True)
class Costs:
    """The median seconds of one call."""

    bare: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many times the one is the other."""
        return self.ours / self.bare


@dataclass
class _Page:
    items: list[Run]
    next_cursor: str | None


_RUN: TypeAdapter[Run] = TypeAdapter(Run)
_PAGE: TypeAdapter[_Page] = TypeAdapter(_Page)
_TRIGGER = {"flow_name": FLOW}


def blocking_costs(url: str, token: str, run_id: str, *, calls: int) -> dict[str, Costs]:
    """Measure the calls of a `DagyClient`."""
    with (
        DagyClient(url, token) as client,
        httpx.Client(base_url=url, headers=_bearer(token)) as bare,
    ):
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "get a run": (
                lambda: _RUN.validate_json(bare.get(f"/runs/{run_id}").content),
                lambda: client.runs.get(run_id),
            ),
            f"list {LISTED} runs": (
                lambda: _PAGE.validate_json(bare.get(f"/runs?limit={LISTED}").content).items,
                lambda: list(client.runs.list(limit=LISTED)),
            ),
            "trigger a run": (
                lambda: _RUN.validate_json(
                    bare.post("/runs", json=_TRIGGER, headers=_key()).content
                ),
                lambda: client.runs.trigger(flow_name=FLOW),
            ),
        }
        return {name: _blocking_medians(pair, calls) for name, pair in pairs.items()}


def awaited_costs(url: str, token: str, run_id: str, *, calls: int) -> dict[str, Costs]:
    """Measure the calls of an `AsyncDagyClient`."""
    return asyncio.run(_awaited_costs(url, token, run_id, calls))


async def _awaited_costs(url: str, token: str, run_id: str, calls: int) -> dict[str, Costs]:
    async with (
        AsyncDagyClient(url, token) as client,
        httpx.AsyncClient(base_url=url, headers=_bearer(token)) as bare,
    ):

        async def get_bare() -> object:
            return _RUN.validate_json((await bare.get(f"/runs/{run_id}")).content)

        async def list_bare() -> object:
            return _PAGE.validate_json((await bare.get(f"/runs?limit={LISTED}")).content).items

        async def list_ours() -> object:
            return [run async for run in client.runs.list(limit=LISTED)]

        async def trigger_bare() -> object:
            answer = await bare.post("/runs", json=_TRIGGER, headers=_key())
            return _RUN.validate_json(answer.content)

        pairs: dict[str, tuple[Callable[[], Awaitable[object]], ...]] = {
            "get a run": (get_bare, lambda: client.runs.get(run_id)),
            f"list {LISTED} runs": (list_bare, list_ours),
            "trigger a run": (trigger_bare, lambda: client.runs.trigger(flow_name=FLOW)),
        }
        return {name: await _awaited_medians(pair, calls) for name, pair in pairs.items()}


def _blocking_medians(pair: tuple[Callable[[], object], ...], calls: int) -> Costs:
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(-_WARM_UP_CALLS, calls):
        for place in _turns(number):
            begin = time.perf_counter()
            pair[place]()
            seconds[place].append(time.perf_counter() - begin)
    return _costs(seconds)


async def _awaited_medians(pair: tuple[Callable[[], Awaitable[object]], ...], calls: int) -> Costs:
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(-_WARM_UP_CALLS, calls):
        for place in _turns(number):
            begin = time.perf_counter()
            await pair[place]()
            seconds[place].append(time.perf_counter() - begin)
    return _costs(seconds)


def _turns(number: int) -> tuple[int, int]:
    # Each is first as often as the other.
    return (0, 1) if number % 2 else (1, 0)


def _costs(seconds: tuple[list[float], list[float]]) -> Costs:
    bare, ours = (statistics.median(taken[_WARM_UP_CALLS:]) for taken in seconds)
    return Costs(bare, ours)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _key() -> dict[str, str]:
    # As dagy-client sends one: what the server does for it is no cost of the client.
    return {"Idempotency-Key": uuid.uuid4().hex}
