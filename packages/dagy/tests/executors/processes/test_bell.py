from __future__ import annotations

import select

from dagy._executors.processes.bell import Bell


def is_ringing(bell: Bell) -> bool:
    return bool(select.select([bell], [], [], 0)[0])


def test_a_bell_rings_until_it_is_silenced() -> None:
    bell = Bell()
    assert not is_ringing(bell)
    bell.ring()
    bell.ring()
    assert is_ringing(bell)
    bell.silence()
    assert not is_ringing(bell)
    bell.close()


def test_ringing_a_bell_that_nobody_silences_does_not_block() -> None:
    bell = Bell()
    for _ in range(100_000):
        bell.ring()
    assert is_ringing(bell)
    bell.silence()
    assert not is_ringing(bell)
    bell.close()
