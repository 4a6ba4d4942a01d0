from __future__ import annotations

import threading

from dagy._inbox import Inbox


def test_all_that_is_there_is_received_once_in_order() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put(0)
    inbox.put_quietly(1)
    inbox.put(2)
    assert inbox.receive(0.0) == [0, 1, 2]
    assert inbox.receive(0.0) == []


def test_what_wakes_nobody_is_there_for_those_who_look() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.put_quietly("quiet")
    assert inbox.receive(0.001) == ["quiet"]


def test_the_reader_wakes_up_for_what_is_put_loudly() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.put_quietly("first")
    sender = threading.Thread(target=lambda: inbox.put("then"))
    sender.start()
    seen: list[str] = []
    while len(seen) < 2:
        seen += inbox.receive(60)
    sender.join()
    assert seen == ["first", "then"]
