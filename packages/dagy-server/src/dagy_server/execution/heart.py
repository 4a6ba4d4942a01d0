"""The sign of life of a worker, given beside all that it does; and what it learns by that."""

from __future__ import annotations

import threading

from dagy_client import DagyClient, RetryPolicy
from dagy_server.execution.orders import WorkOrder
from dagy_types import RunStatus
from dagy_types.errors import AuthError, DagyError, NotFoundError


class Heart:
    """Asks for the run again and again, which renews the lease: a context manager.

    Attributes:
        is_cancelled: Set when somebody has ended the run.
        is_lost: Set when the run is another worker's.
    """

    def __init__(self, order: WorkOrder) -> None:
        self.is_cancelled = threading.Event()
        self.is_lost = threading.Event()
        self._order = order
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()

    def note(self, status: RunStatus) -> None:
        """Learn how the run stands."""
        if status is RunStatus.CANCELLED:
            self.is_cancelled.set()

    def _beat(self) -> None:
        order = self._order
        with DagyClient(order.url, order.token, retry=RetryPolicy(max_attempts=1)) as client:
            while not self._is_over.wait(order.lease_seconds / 5):
                try:
                    self.note(client.runs.get(order.run_id).status)
                except (AuthError, NotFoundError):
                    self.is_lost.set()
                    return
                except DagyError:
                    continue  # the server is away; the next beat may reach it
