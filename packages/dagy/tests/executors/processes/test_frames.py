from __future__ import annotations

import socket
import threading

from hypothesis import given
from hypothesis import strategies as st

from dagy._executors.processes.frames import Incoming, frame, messages


@given(sent=st.lists(st.binary(max_size=50)), size=st.integers(1, 20))
def test_messages_arrive_whole_in_whatever_pieces(sent: list[bytes], size: int) -> None:
    stream = b"".join(map(frame, sent))
    incoming = Incoming()
    received: list[bytes] = []
    for start in range(0, len(stream), size):
        received += incoming.feed(stream[start : start + size])
    assert received == sent


def test_messages_end_when_the_other_side_closes() -> None:
    ours, theirs = socket.socketpair()
    sent = [b"", b"x" * 3_000_000, b"y"]

    def send() -> None:
        with theirs:
            for message in sent:
                theirs.sendall(frame(message))

    sender = threading.Thread(target=send)
    sender.start()
    with ours:
        assert list(messages(ours)) == sent
    sender.join()
