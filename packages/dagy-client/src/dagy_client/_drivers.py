"""Perform the steps of plans: one driver blocks, the other awaits. Neither decides anything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from dagy_client._steps import Emit, Finish, Plan, Progress, Read, Send, Sleep, WireError, Work

if TYPE_CHECKING:
    from dagy_client._httpx import AsyncWire, BlockingWire

T = TypeVar("T")


class BlockingDriver:
    """Performs plans in the thread that wants their results."""

    def __init__(self, wire: BlockingWire, *, sleep: Callable[[float], None]) -> None:
        self.wire = wire
        self._sleep = sleep

    def run(self, plan: Plan[T]) -> T:
        """Return the result of a plan that emits nothing."""
        progress = Progress(plan)
        try:
            while progress.step is not None:
                self._perform(progress)
            return progress.result
        finally:
            self._end(progress)

    def iterate(self, plan: Plan[None]) -> Generator[Any, None, None]:  # Any: what the plan emits
        """Yield what a plan emits; it goes on when the next item is wanted."""
        progress = Progress(plan)
        try:
            while progress.step is not None:
                if isinstance(progress.step, Emit):
                    yield from progress.step.items
                    progress.go_on(None)
                else:
                    self._perform(progress)
        finally:
            self._end(progress)

    def _perform(self, progress: Progress[T]) -> None:
        outcome: object = None
        try:
            match progress.step:
                case Send(request):
                    outcome = response = self.wire.send(request)
                    progress.opened += [response] if response.stream else []
                case Read(response):
                    outcome = self.wire.read(response)
                case Finish(response):
                    progress.opened.remove(response)
                    self.wire.finish(response)
                case Work(action):
                    outcome = action()
                case Sleep(seconds):
                    self._sleep(seconds)
        except WireError as error:
            return progress.fail(error)
        return progress.go_on(outcome)

    def _end(self, progress: Progress[T]) -> None:
        progress.close()
        for response in progress.opened:
            self.wire.finish(response)


class AsyncDriver:
    """Performs plans in the event loop; what may take a while, in a thread beside it."""

    def __init__(
        self, wire: AsyncWire, *, sleep: Callable[[float], Awaitable[None]] | None = None
    ) -> None:
        import asyncio

        self.wire = wire
        self._sleep = asyncio.sleep if sleep is None else sleep
        self._in_thread = asyncio.to_thread

    async def run(self, plan: Plan[T]) -> T:
        """Return the result of a plan that emits nothing."""
        progress = Progress(plan)
        try:
            while progress.step is not None:
                await self._perform(progress)
            return progress.result
        finally:
            await self._end(progress)

    async def iterate(self, plan: Plan[None]) -> AsyncGenerator[Any, None]:  # Any: as above
        """Yield what a plan emits; it goes on when the next item is wanted."""
        progress = Progress(plan)
        try:
            while progress.step is not None:
                if isinstance(progress.step, Emit):
                    for item in progress.step.items:
                        yield item
                    progress.go_on(None)
                else:
                    await self._perform(progress)
        finally:
            await self._end(progress)

    async def _perform(self, progress: Progress[T]) -> None:
        outcome: object = None
        try:
            match progress.step:
                case Send(request):
                    outcome = response = await self.wire.send(request)
                    progress.opened += [response] if response.stream else []
                case Read(response):
                    outcome = await self.wire.read(response)
                case Finish(response):
                    progress.opened.remove(response)
                    await self.wire.finish(response)
                case Work(action):
                    outcome = await self._in_thread(action)
                case Sleep(seconds):
                    await self._sleep(seconds)
        except WireError as error:
            return progress.fail(error)
        return progress.go_on(outcome)

    async def _end(self, progress: Progress[T]) -> None:
        progress.close()
        for response in progress.opened:
            await self.wire.finish(response)
