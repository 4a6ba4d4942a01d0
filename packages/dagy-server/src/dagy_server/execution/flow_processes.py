"""The processes of flows that a worker starts: one may wait for its order, having loaded all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from dagy_server.execution.flow_process import FlowProcess

_STDERR = 2


class FlowProcesses:
    """Starts processes for flows, each in what its flow needs.

    Args:
        environ: What flows see of the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._ready: FlowProcess | None = None

    def make_ready(self) -> None:
        """Start one that waits: most flows need nothing but what is there."""
        self._ready = FlowProcess(sys.executable, self._environ, _STDERR)

    def start(self, python: str, output: Path) -> FlowProcess:
        """Return the one that waits if it has this Python, or else a new one.

        Args:
            output: Where it says why it cannot start.
        """
        ready = self._ready
        if ready is not None and ready.python == python and not ready.has_ended:
            self._ready = None
            return ready
        self.close()
        with output.open("ab") as file:
            return FlowProcess(python, self._environ, file.fileno())

    def close(self) -> None:
        """End the one that waits."""
        if self._ready is not None:
            self._ready.kill()
            self._ready = None
