from __future__ import annotations

from dagy._attempts import Attempts


def test_attempts_count_from_one_and_are_under_way_until_they_end() -> None:
    attempts = Attempts()
    assert (len(attempts), attempts.number("a")) == (0, 0)
    assert attempts.begin("a") == 1
    assert attempts.is_current("a", 1)
    assert (len(attempts), list(attempts)) == (1, ["a"])
    attempts.end("a")
    assert not attempts.is_current("a", 1)
    assert not attempts
    assert attempts.begin("a") == 2
    assert not attempts.is_current("a", 1)


def test_an_attempt_has_started_once_it_has_a_slot() -> None:
    attempts = Attempts()
    attempts.begin("a")
    assert not attempts.has_started("a")
    attempts.start("a")
    assert attempts.has_started("a")
    attempts.end("a")
    attempts.begin("a")
    assert not attempts.has_started("a")


def test_a_withdrawn_attempt_does_not_count() -> None:
    attempts = Attempts()
    attempts.begin("a")
    attempts.end("a")
    attempts.begin("a")
    attempts.withdraw("a")
    assert attempts.number("a") == 1
    assert not attempts.is_current("a", 2)
    assert attempts.begin("a") == 2


def test_retries_are_counted_anew_after_a_repetition() -> None:
    attempts = Attempts()
    for expected in (0, 1):
        attempts.begin("a")
        attempts.end("a")
        assert attempts.retries_made("a") == expected
    attempts.repeat("a")
    assert attempts.begin("a") == 3
    assert attempts.retries_made("a") == 0
    attempts.end("a")
    attempts.begin("a")
    assert attempts.retries_made("a") == 1


def test_nothing_is_kept_of_a_task_that_is_forgotten() -> None:
    attempts = Attempts()
    attempts.begin("a")
    attempts.repeat("a")
    attempts.end("a")
    attempts.forget("a")
    attempts.forget("never begun")
    assert attempts.number("a") == 0
    assert attempts.begin("a") == 1
    assert attempts.retries_made("a") == 0
