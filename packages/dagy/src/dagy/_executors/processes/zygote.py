"""The process that workers are forked from, and that buries them."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import partial
from types import FrameType
from typing import Any

from dagy._executors.processes.bell import Bell
from dagy._executors.processes.forking import fork
from dagy._executors.processes.frames import frame

COMMAND = struct.Struct("!BI")  # which, and the number of the worker
_LONGEST_WAIT_MILLISECONDS = 500
_PR_SET_CHILD_SUBREAPER = 36


class Command(IntEnum):
    """What the coordinator can ask for."""

    FORK = auto()
    """Start a worker on the channel that comes along."""

    KILL = auto()
    """Kill a worker and all that its task has started."""


@dataclass(frozen=True, slots=True)
class Stillborn:
    """A worker could not be started.

    Attributes:
        reason: What the system said.
    """

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker has ended, and so has what its task had started.

    Attributes:
        status: Its exit status, or the number of the signal that killed it, negated.
    """

    number: int
    status: int


Report = Stillborn | Ended


@dataclass(slots=True, eq=False)
class _Child:
    number: int
    process: int  # and its process group
    status: int | None = None


class Zygote:
    """Obeys commands, reports what becomes of the workers, and outlives neither side.

    It runs no code of the flow and has one thread, so that forking it is safe.

    Args:
        control: Where commands come from and reports go.
        parent: The id of the coordinator's process.
        work: What a worker does with its channel.
        fork: How processes are made.
    """

    def __init__(
        self,
        control: socket.socket,
        *,
        parent: int,
        work: Callable[[socket.socket], None],
        fork: Callable[[Callable[[], None]], int] = fork,
    ) -> None:
        self._control = control
        self._parent = parent
        self._work = work
        self._fork = fork
        self._children: dict[int, _Child] = {}  # by number
        self._child_signal: Any = signal.SIG_DFL  # a handler, of one of several types
        self._bell = Bell()  # each signal rings it

    def run(self) -> None:
        """Serve until the coordinator closes its side or ends, however it ends; then kill all."""
        self._child_signal = signal.signal(signal.SIGCHLD, _ring) or self._child_signal
        signal.set_wakeup_fd(self._bell.rope.fileno(), warn_on_full_buffer=False)
        try:
            while self._is_wanted():
                self.reap()
        finally:
            self._bury_all()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, self._child_signal)
            self._bell.close()

    def obey(self) -> bool:
        """Carry out the next command; return whether there was one before the end."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, COMMAND.size, 1)
        except ConnectionResetError:  # it ended with reports unread
            return False
        if not data:
            return False
        command, number = COMMAND.unpack(data)
        if command == Command.FORK:
            os.set_inheritable(descriptors[0], False)
            with socket.socket(fileno=descriptors[0]) as channel:
                self._start_worker(number, channel)
        elif number in self._children:
            _kill(self._children[number])
        return True

    def reap(self) -> None:
        """Take note of the children that have ended; report those of which nothing is left."""
        by_process = {child.process: child for child in self._children.values()}
        for process, status in _ended_children():
            child = by_process.get(process)
            if child is not None:  # else an orphan of a task
                child.status = os.waitstatus_to_exitcode(status)
                kill_group(process)
        for child in by_process.values():
            if child.status is not None and not _has_children_in(child.process):
                del self._children[child.number]
                self._report(Ended(child.number, child.status))

    def _bury_all(self) -> None:
        for child in self._children.values():
            _kill(child)
        self.reap()  # what the bell rang for may have been silenced unseen
        while self._children:
            self._wait(self._bell)
            self.reap()

    def _is_wanted(self) -> bool:
        ready = self._wait(self._bell, self._control)
        if self._control.fileno() in ready and not self.obey():
            return False
        # A process that the coordinator has forked may hold its side open after its end.
        return os.getppid() == self._parent

    def _wait(self, *channels: socket.socket | Bell) -> list[int]:
        poll = select.poll()
        for channel in channels:
            poll.register(channel, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(_LONGEST_WAIT_MILLISECONDS)]
        self._bell.silence()
        return ready

    def _start_worker(self, number: int, channel: socket.socket) -> None:
        try:
            process = self._fork(partial(self._become_worker, channel))
        except OSError as error:
            self._report(Stillborn(number, error.strerror or str(error)))
            return
        # Both sides do it, since either may be first to need it. It fails when the child is dead.
        with suppress(OSError):
            os.setpgid(process, process)
        self._children[number] = _Child(number, process)

    def _become_worker(self, channel: socket.socket) -> None:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, self._child_signal)
        self._control.close()
        self._bell.close()
        self._work(channel)

    def _report(self, report: Report) -> None:
        with suppress(BrokenPipeError):  # the coordinator is gone, as the next look will tell
            self._control.sendall(frame(pickle.dumps(report)))


def settle_in() -> None:
    """Make this process, a fork of the coordinator, a good place to fork workers from."""
    os.setsid()  # out of reach of the terminal's Ctrl-C
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing != 0:  # tasks must not eat the coordinator's input
        os.dup2(nothing, 0)
        os.close(nothing)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  for as long as the process lives
    _adopt_orphans()
    # The coordinator's garbage is for the coordinator to collect: here its finalizers, such as that
    # of a temporary directory, would do their work too early. It also keeps memory shared.
    gc.freeze()


def kill_group(process: int) -> None:
    """Kill a process and its group, if there is any of it left."""
    # PermissionError is how macOS says that nothing but zombies is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _kill(child: _Child) -> None:
    kill_group(child.process)
    if child.status is None:  # it may have left its group
        os.kill(child.process, signal.SIGKILL)


def _ring(_number: int, _frame: FrameType | None) -> None:
    """Be a handler: only a signal that has one wakes a process."""


def _adopt_orphans() -> None:
    """Have what tasks leave behind become our children, so that we see when it is gone."""
    if sys.platform == "linux":
        import ctypes  # for this process alone

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _ended_children() -> list[tuple[int, int]]:
    ended = []
    with suppress(ChildProcessError):  # there is none at all
        while (pair := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            ended.append(pair)
    return ended


def _has_children_in(group: int) -> bool:
    try:
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True
