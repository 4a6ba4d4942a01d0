"""The process of a flow: user code runs in it, and it knows nothing of the server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from dagy.unattended import Order, send_order
from dagy_server.execution.processes import kill_group, leader_of

_OF_EVERY_PROGRAM = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
_PART_BYTES = 65_536


class FlowProcess:
    """A flow that is carried out by a process of its own.

    The process loads what flows need, and waits for its order. It ends with the process that
    started it, as its socket is closed then.

    Args:
        environ: What it sees of the environment.
        output: Where it says why it cannot start.
    """

    def __init__(self, python: str, environ: Mapping[str, str], output: int) -> None:
        self.python = python
        self._channel, its_end = socket.socketpair()
        with its_end:
            self._process = subprocess.Popen(  # noqa: S603 - no shell
                # Isolated: nothing beside the flow takes the place of other modules.
                [python, "-I", "-m", "dagy.unattended"],
                stdin=its_end.fileno(),
                stdout=output,
                stderr=output,
                env=dict(environ),
                start_new_session=True,
            )
        self.leader = leader_of(self._process.pid)

    def carry_out(self, order: Order, *, output: Path, lock: int) -> None:
        """Give it its order.

        Args:
            output: Where goes what user code prints outside of tasks.
            lock: A descriptor that it is to hold as well.
        """
        with output.open("ab") as file, suppress(ConnectionError):  # it is gone: its end tells
            send_order(self._channel, order, output=file.fileno(), lock=lock)

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self._process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Return once it has ended, or the time is over; tell whether it has."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """Ask it to end the run in good order: what is running may end, the rest is cancelled."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        kill_group(self._process.pid)
        self._process.wait()
        self._channel.close()

    def fault(self) -> tuple[str, str | None] | None:
        """Return, with a hint, why there is no record of the run, if the process could tell.

        It has ended; whatever it has started may have its end of the socket still.
        """
        self._channel.setblocking(False)
        text = b""
        with suppress(BlockingIOError, ConnectionError):
            while part := self._channel.recv(_PART_BYTES):
                text += part
        document = json.loads(text) if text else None
        return document and (document["error"], document["hint"])

    def ending(self) -> str:
        """Return how the process ended, for people."""
        status = self._process.returncode
        if status < 0:
            return f"was killed by signal {-status} ({signal.Signals(-status).name})"
        return f"ended with status {status}"


def environment_for(
    names: Iterable[str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a flow sees of the environment: nothing that is the server's.

    Args:
        names: Variables that whoever runs the server lets flows see.
    """
    seen = (*_OF_EVERY_PROGRAM, *names)
    return {name: environ[name] for name in seen if name in environ}
