from __future__ import annotations

import threading
from queue import SimpleQueue

from dagy._patience import look_out


def test_one_looks_no_further_once_something_is_there() -> None:
    answers = [True, True, False]
    look_out(lambda: answers.pop(0))
    assert answers == []


def test_one_gives_up_after_a_while_and_can_go_to_sleep() -> None:
    looks: list[None] = []
    look_out(lambda: looks.append(None) is None)
    assert 10 <= len(looks) <= 1000


def test_others_run_while_one_looks_out() -> None:
    queue: SimpleQueue[int] = SimpleQueue()
    other = threading.Thread(target=queue.put, args=(1,))
    other.start()
    while queue.empty():
        look_out(queue.empty)
    other.join()
    assert queue.get_nowait() == 1
