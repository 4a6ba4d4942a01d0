"""The one worker of a run: whoever comes later waits until nothing of the earlier one is left."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from dagy_server.execution.places import RunPlaces
from dagy_server.execution.processes import Leader, kill_group, started_at
from dagy_types.errors import ConflictError

PATIENCE_SECONDS = 30.0
"""How long to wait for holders of whom nobody knows which processes they are."""

_LOOK_SECONDS = 0.02


class RunLock:
    """A lock on the directory of a run, which the processes of its flow hold with their worker.

    The system lets go of it when the last of them is gone, whatever ended them. A context manager.

    Args:
        me: This process.

    Attributes:
        descriptor: To be inherited by the processes of the flow.

    Raises:
        ConflictError: When processes that hold it cannot be ended.
    """

    def __init__(
        self, places: RunPlaces, me: Leader, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._places, self._me = places, me
        places.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.descriptor = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._is_taken():
            _end_holders(places.holder)
            self._wait(patience_seconds)
        self._note(me)

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)

    def note_with(self, leader: Leader) -> None:
        """Write down that this process and another one, with its group, hold the lock."""
        self._note(self._me, leader)

    def _note(self, *leaders: Leader) -> None:
        scratch = self._places.holder.with_suffix(".new")
        scratch.write_text(json.dumps(dict(leaders)))
        scratch.replace(self._places.holder)

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_taken():
            if time.monotonic() > deadline:
                raise ConflictError(
                    f"Processes that hold {self._places.lock} do not end.",
                    hint="End them by hand; lsof tells which they are.",
                )
            time.sleep(_LOOK_SECONDS)


def _end_holders(path: Path) -> None:
    with suppress(FileNotFoundError, ValueError):
        for number, start in json.loads(path.read_text()).items():
            if start and started_at(int(number)) == start:
                kill_group(int(number))
