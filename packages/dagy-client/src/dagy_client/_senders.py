"""The four ways to have a call performed: blocking or awaited, for a value or an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TypeVar

from dagy_client._answers import Page, RawResponse
from dagy_client._calls import Call, ListCall
from dagy_client._drivers import AsyncDriver, BlockingDriver
from dagy_client._exchange import Exchange

T = TypeVar("T")


class Blocking:
    """Gives values."""

    def __init__(self, exchange: Exchange, driver: BlockingDriver) -> None:
        self.exchange = exchange
        self.driver = driver

    def one(self, call: Call[T]) -> T:
        """Return what a call is for."""
        return self.driver.run(call.plan(self.exchange)).value

    def many(self, call: ListCall[T]) -> Generator[T, None, None]:
        """Return an iterator over what a call is for."""
        return self.driver.iterate(call.iteration(self.exchange))


class RawBlocking:
    """Gives answers with all that belongs to them."""

    def __init__(self, values: Blocking) -> None:
        self._values = values

    def one(self, call: Call[T]) -> RawResponse[T]:
        """Return the answer to a call."""
        return self._values.driver.run(call.plan(self._values.exchange))

    def many(self, call: ListCall[T]) -> RawResponse[Page[T]]:
        """Return the answer with the first part of a list."""
        return self._values.driver.run(call.plan(self._values.exchange))


class Awaiting:
    """Gives values, to be awaited."""

    def __init__(self, exchange: Exchange, driver: AsyncDriver) -> None:
        self.exchange = exchange
        self.driver = driver

    async def one(self, call: Call[T]) -> T:
        """Return what a call is for."""
        return (await self.driver.run(call.plan(self.exchange))).value

    def many(self, call: ListCall[T]) -> AsyncGenerator[T, None]:
        """Return an iterator over what a call is for."""
        return self.driver.iterate(call.iteration(self.exchange))


class RawAwaiting:
    """Gives answers with all that belongs to them, to be awaited."""

    def __init__(self, values: Awaiting) -> None:
        self._values = values

    async def one(self, call: Call[T]) -> RawResponse[T]:
        """Return the answer to a call."""
        return await self._values.driver.run(call.plan(self._values.exchange))

    async def many(self, call: ListCall[T]) -> RawResponse[Page[T]]:
        """Return the answer with the first part of a list."""
        return await self._values.driver.run(call.plan(self._values.exchange))
