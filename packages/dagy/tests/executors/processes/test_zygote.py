from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dagy._executors.processes.frames import messages
from dagy._executors.processes.zygote import (
    COMMAND,
    Command,
    Ended,
    Stillborn,
    Zygote,
    kill_group,
)


class Control:
    """The coordinator's side of a zygote that lives in a thread of the test."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self._messages = messages(self.ours)

    def ask(self, command: Command, number: int, channel: socket.socket | None = None) -> None:
        descriptors = [] if channel is None else [channel.fileno()]
        socket.send_fds(self.ours, [COMMAND.pack(command, number)], descriptors)

    def report(self) -> Any:
        return pickle.loads(next(self._messages))


@pytest.fixture
def control() -> Iterator[Control]:
    control = Control()
    yield control
    control.ours.close()
    control.theirs.close()


def live(
    control: Control,
    play: Callable[[], None],
    *,
    work: Callable[[socket.socket], None],
    **options: Any,
) -> None:
    """Be a zygote until the coordinator, who plays in another thread, has closed its side."""
    failures: list[BaseException] = []

    def coordinate() -> None:
        try:
            play()
        except BaseException as error:
            failures.append(error)
        finally:
            control.ours.close()

    def work_apart(channel: socket.socket) -> None:
        control.ours.close()  # the zygote of an executor has no copy of this
        work(channel)

    coordinator = threading.Thread(target=coordinate)
    coordinator.start()
    Zygote(control.theirs, work=work_apart, **{"parent": os.getppid(), **options}).run()
    coordinator.join()
    assert failures == []


def fork_worker(control: Control, number: int) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        control.ask(Command.FORK, number, theirs)
    return ours


def echo(channel: socket.socket) -> None:
    channel.sendall(channel.recv(100))


def test_a_worker_gets_its_channel_and_its_end_is_reported(control: Control) -> None:
    def play() -> None:
        with fork_worker(control, 7) as channel:
            channel.sendall(b"hello")
            assert channel.recv(100) == b"hello"
            assert control.report() == Ended(7, 0)

    live(control, play, work=echo)


def test_a_worker_has_a_process_group_of_its_own(control: Control) -> None:
    def play() -> None:
        with fork_worker(control, 1) as first, fork_worker(control, 2) as second:
            groups = {int(each.recv(100)) for each in (first, second)}
            assert len(groups | {os.getpgid(0)}) == 3
            assert {control.report(), control.report()} == {Ended(1, 0), Ended(2, 0)}

    live(control, play, work=lambda channel: channel.sendall(b"%d" % os.getpgid(0)))


def test_a_worker_is_killed_on_command(control: Control) -> None:
    def play() -> None:
        with fork_worker(control, 1) as first, fork_worker(control, 2) as second:
            control.ask(Command.KILL, 1)
            assert control.report() == Ended(1, -signal.SIGKILL)
            assert first.recv(1) == b""
            second.sendall(b"still there")
            assert second.recv(100) == b"still there"
            assert control.report() == Ended(2, 0)
            control.ask(Command.KILL, 2)

    live(control, play, work=echo)


def test_all_workers_are_killed_when_the_coordinator_closes_its_side(control: Control) -> None:
    channels = []

    def play() -> None:
        channels.extend([fork_worker(control, 1), fork_worker(control, 2)])

    live(control, play, work=echo)
    for channel in channels:
        assert channel.recv(1) == b""
        channel.close()


def test_all_workers_are_killed_when_the_coordinator_is_gone(control: Control) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            control.ask(Command.FORK, 1, theirs)
        nobody = 0
        Zygote(control.theirs, parent=nobody, work=echo).run()
        assert ours.recv(1) == b""


def test_a_worker_that_cannot_be_forked_is_reported(control: Control) -> None:
    def refuse(_body: Callable[[], None]) -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    def play() -> None:
        with fork_worker(control, 1):
            assert control.report() == Stillborn(1, "Resource temporarily unavailable")

    live(control, play, work=echo, fork=refuse)


def test_reports_to_a_coordinator_that_is_gone_are_dropped(control: Control) -> None:
    with fork_worker(control, 1):
        control.ours.close()
        Zygote(control.theirs, parent=os.getppid(), work=lambda _channel: None).run()


def test_killing_a_group_that_is_gone_does_nothing() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    kill_group(child)
