from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from dagy._clock import SystemClock
from dagy._inbox import Inbox
from dagy._turns import Turns

PATIENCE_SECONDS = 60  # only a test that fails waits for so long
NEVER = float("inf")


class Story:
    """Turns that end when all parts of a story were taken from the inbox, and who took which."""

    def __init__(self, *parts: str, until: float = NEVER) -> None:
        self.missing = set(parts)
        self.told: list[tuple[str, str]] = []
        self.inbox: Inbox[str] = Inbox()
        self.until = until
        self.turns = Turns(self.turn, inbox=self.inbox, clock=SystemClock(), is_idle=lambda: False)
        self.during_turn: Callable[[str], None] = lambda part: None

    def turn(self) -> float | None:
        for part in self.inbox.take():
            self.told.append((part, threading.current_thread().name))
            self.during_turn(part)
            self.missing.discard(part)
        return self.until if self.missing else None

    def tell(self, part: str) -> None:
        self.inbox.put_quietly(part)
        self.turns.lend()


def in_thread(name: str, function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function, name=name)
    thread.start()
    return thread


def main(story: Story) -> threading.Thread:
    """The thread that takes all turns, waiting by now."""
    has_waited = threading.Event()
    wait = story.inbox.wait

    def waiting(timeout_seconds: float) -> None:
        has_waited.set()
        wait(timeout_seconds)

    story.inbox.wait = waiting  # type: ignore[method-assign]
    thread = in_thread("main", story.turns.take_all)
    assert has_waited.wait(PATIENCE_SECONDS)
    return thread


def test_a_thread_that_lends_itself_takes_the_turn() -> None:
    story = Story("once", "upon")
    caller = main(story)
    in_thread("worker", lambda: story.tell("once")).join()
    assert story.told == [("once", "worker")]
    in_thread("other", lambda: story.tell("upon")).join()
    caller.join(PATIENCE_SECONDS)
    assert not caller.is_alive()
    assert story.told == [("once", "worker"), ("upon", "other")]


def test_what_comes_during_a_turn_is_taken_in_the_next_one_by_the_same_thread() -> None:
    story = Story("once", "upon", "a time")

    def one_more(part: str) -> None:
        if part == "once":
            in_thread("late", lambda: story.tell("upon")).join()

    story.during_turn = one_more
    caller = main(story)
    in_thread("worker", lambda: story.tell("once")).join()
    assert story.told == [("once", "worker"), ("upon", "worker")]
    story.inbox.put("a time")
    caller.join(PATIENCE_SECONDS)
    assert story.told[2:] == [("a time", "main")]


def test_what_comes_during_a_turn_of_the_caller_is_not_left_until_it_wakes() -> None:
    story = Story("once", "upon")

    def one_more(part: str) -> None:
        if part == "once":
            in_thread("late", lambda: story.tell("upon")).join()

    story.during_turn = one_more
    story.inbox.put_quietly("once")
    story.turns.take_all()
    assert [part for part, _ in story.told] == ["once", "upon"]


def test_what_a_turn_of_a_lent_thread_raises_is_raised_to_the_caller_and_ends_the_turns() -> None:
    story = Story("once", "never")

    def fail(part: str) -> None:
        raise OSError("the disk is full")

    story.during_turn = fail
    raised: list[BaseException] = []

    def take_all() -> None:
        try:
            story.turns.take_all()
        except OSError as error:
            raised.append(error)

    caller = in_thread("main", take_all)
    in_thread("worker", lambda: story.tell("once")).join()
    caller.join(PATIENCE_SECONDS)
    assert [str(each) for each in raised] == ["the disk is full"]
    story.tell("never")
    assert [part for part, _ in story.told] == ["once"]


def test_after_a_turn_of_the_caller_that_raised_there_are_no_others() -> None:
    story = Story("once", "never")

    def fail(part: str) -> None:
        raise OSError("the disk is full")

    story.during_turn = fail
    story.inbox.put_quietly("once")
    with pytest.raises(OSError, match="the disk is full"):
        story.turns.take_all()
    story.tell("never")
    assert [part for part, _ in story.told] == ["once"]


def test_the_caller_wakes_up_by_when_a_turn_of_another_thread_says() -> None:
    story = Story("once", "upon")
    caller = main(story)

    def soon(part: str) -> None:
        story.until = 0.0
        story.inbox.put_quietly("upon")

    story.during_turn = soon
    worker = in_thread("worker", lambda: story.tell("once"))
    caller.join(PATIENCE_SECONDS)
    worker.join()
    assert not caller.is_alive()


def test_a_turn_is_near_when_the_caller_wakes_up_soon_by_itself() -> None:
    story = Story("once", until=SystemClock().monotonic() + 100)
    assert not story.turns.is_near(1000)  # nobody waits
    caller = main(story)
    assert story.turns.is_near(1000)
    assert not story.turns.is_near(1)
    story.inbox.put("once")
    caller.join(PATIENCE_SECONDS)
