from __future__ import annotations

import threading

from dagy._inbox import Inbox


def test_all_that_is_there_is_taken_once_in_order() -> None:
    inbox: Inbox[int] = Inbox()
    assert inbox.is_empty
    inbox.put(0)
    inbox.put_quietly(1)
    inbox.put(2)
    assert not inbox.is_empty
    assert inbox.take() == [0, 1, 2]
    assert inbox.take() == []


def test_what_wakes_nobody_is_there_for_those_who_look() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.put_quietly("quiet")
    inbox.wait(0.001)
    assert inbox.take() == ["quiet"]


def test_a_wait_ends_with_what_is_put_loudly() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.put_quietly("first")
    sender = threading.Thread(target=lambda: inbox.put("then"))
    sender.start()
    inbox.wait(60)
    sender.join()
    assert inbox.take() == ["first", "then"]


def test_a_wait_that_begins_after_it_rang_ends_at_once_and_the_next_one_does_not() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.ring()
    inbox.ring()
    inbox.wait(60)
    assert inbox._bell.empty()
    assert inbox.take() == []
