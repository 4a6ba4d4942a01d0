"""The process of a flow: user code runs in it, and it knows nothing of the server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from dagy.unattended import Order
from dagy_server.execution.processes import kill_group

_OF_EVERY_PROGRAM = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


class FlowProcess:
    """A flow that is carried out by a process of its own.

    It ends with the process that started it, as its standard input is closed then.

    Args:
        output: Where goes what user code prints outside of tasks.
        lock: A descriptor that it is to inherit.
    """

    def __init__(
        self,
        order: Order,
        *,
        python: str,
        directory: Path,
        environ: Mapping[str, str],
        output: Path,
        lock: int,
    ) -> None:
        with output.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - no shell
                # Isolated: nothing beside the flow takes the place of other modules.
                [python, "-I", "-m", "dagy.unattended"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=directory,
                env=dict(environ),
                start_new_session=True,
                pass_fds=[lock],
            )
        self.process_id = self._process.pid
        try:
            _stream(self._process.stdin).write(order.to_json())
            _stream(self._process.stdin).flush()
        except BrokenPipeError:
            pass  # it is gone already: its end tells

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
        kill_group(self.process_id)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # of an order that it had not read
                _stream(stream).close()

    def fault(self) -> tuple[str, str | None] | None:
        """Return, with a hint, why there is no record of the run, if the process could tell."""
        with _stream(self._process.stdout) as answers:
            text = answers.read()
        document = json.loads(text) if text else None
        return document and (document["error"], document["hint"])

    def ending(self) -> str:
        """Return how the process ended, for people."""
        status = self._process.returncode
        if status < 0:
            return f"was killed by signal {-status} ({signal.Signals(-status).name})"
        return f"ended with status {status}"


def environment_for(
    places_home: Path, extra: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a flow sees of the environment: nothing that is the server's.

    Args:
        extra: What whoever runs the server lets flows see.
    """
    usual = {name: environ[name] for name in _OF_EVERY_PROGRAM if name in environ}
    return {**usual, "HOME": str(places_home), **extra}


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
