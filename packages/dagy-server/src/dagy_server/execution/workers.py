"""The processes of workers: once there was work, the next one waits for more."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from dagy_server.execution.orders import WorkOrder, server_url
from dagy_server.execution.places import Places
from dagy_server.settings import Settings

_OWN_PREFIX = "DAGY_"

_log = logging.getLogger(__name__)


class Workers:
    """Starts workers, each a process of its own.

    Most of the time that a short run takes, its worker would need to load what it is made of. So
    one is kept that has done that, from the first run on.
    """

    def __init__(self, places: Places, settings: Settings) -> None:
        self._places, self._settings = places, settings
        self._ready: subprocess.Popen[bytes] | None = None
        self._had_work = False

    def start(self, order: WorkOrder) -> subprocess.Popen[bytes]:
        """Give an order to the worker that is ready, or else to a new one."""
        process, self._ready = self._still_ready() or self._new(), None
        self._had_work = True
        assert process.stdin is not None
        try:
            with process.stdin as stream:
                stream.write(order.to_json())
        except BrokenPipeError:
            _log.error("a worker for run %s could not start", order.run_id)  # its end is noticed
        return process

    def make_ready(self) -> None:
        """See to it that a worker is ready, if there has been work for one."""
        if self._had_work:
            self._ready = self._still_ready() or self._new()

    @property
    def lacks_one(self) -> bool:
        """Whether one is to be made ready, and was not."""
        return self._had_work and self._ready is None

    def close(self) -> None:
        """End the worker that is ready."""
        if self._ready is not None:
            self._ready.communicate()  # without an order there is nothing to do
            self._ready = None

    def _still_ready(self) -> subprocess.Popen[bytes] | None:
        if self._ready is not None and self._ready.poll() is not None:
            self.close()
        return self._ready

    def _new(self) -> subprocess.Popen[bytes]:
        url, names = server_url(self._settings), self._settings.flow_environment
        environ = {
            name: value
            for name, value in os.environ.items()
            if name in names or not name.startswith(_OWN_PREFIX)
        }
        with self._places.log_of_starts.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - no shell
                [sys.executable, "-m", "dagy_server.execution.worker", url, *names],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environ,
                cwd=self._places.root,
                start_new_session=True,  # a Ctrl-C for the server is not for it
            )
