from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, cast

from dagy_cli.app import App, Options
from dagy_cli.console import Console
from dagy_cli.following import wait_and_show
from dagy_cli.run_places import Place
from dagy_client import DagyClient
from dagy_types import LogRecord, Run, RunStatus

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)
RUN = Run(
    run_id="r1",
    flow_name="daily",
    flow_version="1",
    status=RunStatus.RUNNING,
    created_at=NOW,
    started_at=NOW,
)


class EndedBeforeItsLog:
    """A reader of a run whose lines all arrive after its end is known."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._is_end_known = threading.Event()

    def get_run(self, run_id: str) -> Run:
        self._is_end_known.set()
        return replace(RUN, run_id=run_id, status=RunStatus.SUCCEEDED, ended_at=NOW)

    def read_logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> Iterator[LogRecord]:
        assert follow
        assert self._is_end_known.wait(30)
        for number in range(self._count):
            yield LogRecord(
                run_id=run_id, at=NOW, level="INFO", logger="stdout", message=f"line {number}"
            )


def test_the_last_lines_of_a_run_are_shown_though_its_end_was_known_before() -> None:
    err = io.StringIO()
    console = Console(io.StringIO(), err, environ={})
    app = App(options=Options(), environ=os.environ, console=console)
    reader = cast(Any, EndedBeforeItsLog(1000))
    place = Place(reader, client=cast(DagyClient, object()))
    ended = wait_and_show(RUN, place, app, what="daily", shows_log=True)
    assert ended.status is RunStatus.SUCCEEDED
    assert err.getvalue().splitlines()[1:] == [f"line {number}" for number in range(1000)]
