from __future__ import annotations

import asyncio
import threading
import time

from dagy_server.line_signals import LineSignals


def test_who_listens_is_woken_from_another_thread() -> None:
    signals = LineSignals()

    async def listen() -> float:
        with signals.listening("a") as listener:
            thread = threading.Thread(target=signals.notify, args=("a",))
            began = time.monotonic()
            thread.start()
            await listener.wait(60)
            thread.join()
            return time.monotonic() - began

    assert asyncio.run(listen()) < 30


def test_a_signal_before_the_waiting_is_not_lost() -> None:
    signals = LineSignals()

    async def listen() -> None:
        with signals.listening("a") as listener:
            signals.notify("a")
            await asyncio.wait_for(listener.wait(60), 30)

    asyncio.run(listen())


def test_each_signal_wakes_once() -> None:
    signals = LineSignals()

    async def listen() -> bool:
        with signals.listening("a") as listener:
            signals.notify("a")
            await listener.wait(60)
            try:
                await asyncio.wait_for(listener.wait(60), 0.01)
            except asyncio.TimeoutError:
                return True
            return False

    assert asyncio.run(listen())


def test_all_who_listen_to_a_run_are_woken_and_nobody_else() -> None:
    signals = LineSignals()

    async def listen() -> None:
        with (
            signals.listening("a") as first,
            signals.listening("a") as second,
            signals.listening("b") as other,
        ):
            signals.notify("a")
            await asyncio.wait_for(asyncio.gather(first.wait(60), second.wait(60)), 30)
            began = time.monotonic()
            await other.wait(0.05)
            assert time.monotonic() - began >= 0.04

    asyncio.run(listen())


def test_nobody_is_kept_who_does_not_listen_any_more() -> None:
    signals = LineSignals()

    async def listen() -> None:
        with signals.listening("a"), signals.listening("a"):
            assert signals.count() == 2
        assert signals.count() == 0

    asyncio.run(listen())
    signals.notify("a")


def test_a_signal_to_a_loop_that_is_closed_is_nothing() -> None:
    signals = LineSignals()

    async def listen() -> object:
        return signals.listening("a").__enter__()

    kept = asyncio.run(listen())
    signals.notify("a")
    assert kept
