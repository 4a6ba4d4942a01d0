"""The coordinator's side of the zygote."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from dagy._executors.processes.forking import flush_standard_streams, fork
from dagy._executors.processes.frames import CHUNK_BYTES, Incoming
from dagy._executors.processes.worker import work
from dagy._executors.processes.zygote import COMMAND, Command, Report, Zygote, settle_in
from dagy_types import Perform
from dagy_types.errors import ConfigError


class ZygoteProcess:
    """Forks the zygote, and tells it what to do.

    Raises:
        ConfigError: When the system has no room for another process.
    """

    def __init__(self, *, perform: Perform, now: Callable[[], datetime]) -> None:
        self._control, theirs = socket.socketpair()
        # Else what waits there would be written twice.
        flush_standard_streams()
        body = partial(
            _be_zygote, theirs, self._control, parent=os.getpid(), perform=perform, now=now
        )
        try:
            self._process = fork(body)
        except OSError as error:
            self._control.close()
            raise ConfigError(
                f"No process can be started: {error.strerror}.",
                hint="Raise the limit of processes (ulimit -u), or use the executor 'threads'.",
            ) from error
        finally:
            theirs.close()
        self._incoming = Incoming()

    def fileno(self) -> int:
        """Return the descriptor that is readable when there are reports."""
        return self._control.fileno()

    def fork_worker(self, number: int) -> socket.socket:
        """Ask for a new worker; return the channel to it, which works at once."""
        ours, theirs = socket.socketpair()
        with theirs, suppress(BrokenPipeError):  # the reports will tell
            command = COMMAND.pack(Command.FORK, number)
            socket.send_fds(self._control, [command], [theirs.fileno()])
        ours.setblocking(False)
        return ours

    def kill_worker(self, number: int) -> None:
        """Ask for a worker and all that its task has started to be killed."""
        with suppress(BrokenPipeError):  # the reports will tell
            self._control.sendall(COMMAND.pack(Command.KILL, number))

    def reports(self) -> list[Report] | None:
        """Return the reports that have arrived, or ``None`` when the zygote is gone."""
        try:
            piece = self._control.recv(CHUNK_BYTES)
        except ConnectionResetError:
            return None
        if not piece:
            return None
        return [pickle.loads(each) for each in self._incoming.feed(piece)]  # noqa: S301  our own

    def close(self) -> None:
        """Have all workers killed, with what their tasks have started; return when they are."""
        with suppress(OSError):  # it is gone
            # Closing would not do: a fork of this process may have the same descriptor.
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        # Somebody else may have waited for it: the program for any child, or the system for all.
        with suppress(ChildProcessError):
            os.waitpid(self._process, 0)


def _be_zygote(
    control: socket.socket,
    parents: socket.socket,
    *,
    parent: int,
    perform: Perform,
    now: Callable[[], datetime],
) -> None:
    parents.close()
    settle_in()
    Zygote(control, parent=parent, work=partial(work, perform=perform, now=now)).run()
