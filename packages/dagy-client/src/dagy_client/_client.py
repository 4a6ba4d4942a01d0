"""The two clients: the same API, blocking and awaited."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING

from dagy_client._api import Api
from dagy_client._auth import Authorizer
from dagy_client._base_url import parse_base_url
from dagy_client._drivers import AsyncDriver, BlockingDriver
from dagy_client._exchange import Exchange
from dagy_client._limits import RetryPolicy, Timeouts, random_fraction
from dagy_client._release import release, user_agent
from dagy_client._senders import Awaiting, Blocking, RawAwaiting, RawBlocking
from dagy_types import TokenSource

if TYPE_CHECKING:
    from dagy_client._httpx import AsyncTransport, Transport

_API_LEVEL = "1"


class DagyClient(Api[Blocking]):
    """A client of one server; a context manager that any number of threads may share.

    Nothing is sent, and nothing opened, before the first call.

    Args:
        base_url: Where the API is, with its prefix if it has one: ``https://api.dagy.io/v1``.
        auth: The token to show, or what gives one for each request; ``None`` for what is public.
        timeouts: How long things may take.
        retry: When a call is tried again.
        product: The program that uses it, with its version, for the ``User-Agent``: ``tool/1.0``.
        transport: What carries the requests, such as an ``httpx.MockTransport``; by default the
            network.
        clock: The time in seconds, from any start; a parameter for tests, as are the next two.
        sleep: Waits for that many seconds.
        random: Gives a number from 0 to below 1.

    Raises:
        ConfigError: When the base URL cannot be one.
        UsageError: When the product cannot be one.

    Attributes:
        with_raw_response: The same methods; each returns the whole answer (`RawResponse`).
    """

    def __init__(
        self,
        base_url: str,
        auth: str | TokenSource | None = None,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        product: str | None = None,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        from dagy_client._httpx import BlockingWire  # a tenth of a second, for the first client

        limits = timeouts or Timeouts()
        exchange = _new_exchange(
            base_url, auth, limits, retry, product=product, clock=clock, random=random
        )
        self._wire = BlockingWire(transport=transport, timeouts=limits, clock=clock)
        sender = Blocking(exchange, BlockingDriver(self._wire, sleep=sleep))
        super().__init__(sender)
        self.with_raw_response: Api[RawBlocking] = Api(RawBlocking(sender))

    def __enter__(self) -> DagyClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; nothing can be asked any more."""
        self._wire.close()


class AsyncDagyClient(Api[Awaiting]):
    """A client of one server for one event loop; a context manager.

    It has the methods of `DagyClient`: what returns a value there is awaited here, and what is
    iterated over there is iterated over with ``async for``.

    Args:
        base_url: Where the API is, with its prefix if it has one: ``https://api.dagy.io/v1``.
        auth: The token to show, or what gives one for each request, in a thread beside the loop;
            ``None`` for what is public.
        timeouts: How long things may take.
        retry: When a call is tried again.
        product: The program that uses it, with its version, for the ``User-Agent``: ``tool/1.0``.
        transport: What carries the requests, such as an ``httpx.ASGITransport``; by default the
            network.
        clock: The time in seconds, from any start; a parameter for tests, as are the next two.
        sleep: Waits for that many seconds; by default ``asyncio.sleep``.
        random: Gives a number from 0 to below 1.

    Raises:
        ConfigError: When the base URL cannot be one.
        UsageError: When the product cannot be one.

    Attributes:
        with_raw_response: The same methods; each returns the whole answer (`RawResponse`).
    """

    def __init__(
        self,
        base_url: str,
        auth: str | TokenSource | None = None,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        product: str | None = None,
        transport: AsyncTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        random: Callable[[], float] = random_fraction,
    ) -> None:
        from dagy_client._httpx import AsyncWire

        limits = timeouts or Timeouts()
        exchange = _new_exchange(
            base_url, auth, limits, retry, product=product, clock=clock, random=random
        )
        self._wire = AsyncWire(transport=transport, timeouts=limits, clock=clock)
        sender = Awaiting(exchange, AsyncDriver(self._wire, sleep=sleep))
        super().__init__(sender)
        self.with_raw_response: Api[RawAwaiting] = Api(RawAwaiting(sender))

    async def __aenter__(self) -> AsyncDagyClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; nothing can be asked any more."""
        await self._wire.close()


def _new_exchange(
    base_url: str,
    auth: str | TokenSource | None,
    timeouts: Timeouts,
    retry: RetryPolicy | None,
    *,
    product: str | None,
    clock: Callable[[], float],
    random: Callable[[], float],
) -> Exchange:
    version = release()
    return Exchange(
        parse_base_url(base_url),
        Authorizer(auth),
        policy=retry or RetryPolicy(),
        timeouts=timeouts,
        headers={
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": user_agent(version, product),
            "Dagy-Client-Version": version,
            "Dagy-API-Level": _API_LEVEL,
        },
        clock=clock,
        now=time.time,
        random=random,
    )
